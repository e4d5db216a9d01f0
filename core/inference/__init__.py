"""From an image to the network's input and from its output to an answer, once for everybody; see decision 9.

Used by training, evaluation, calibration and the api, and copied as it is into every bundle: numpy and Pillow only.
"""
