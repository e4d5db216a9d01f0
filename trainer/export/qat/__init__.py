"""Quantization-aware fine-tuning (QAT) of the very graph that an int8 ONNX file holds, under the job's own method.

The network that learns is built from the file, so that it rounds where the file rounds, and the file that is written
from it answers as it does.
"""
