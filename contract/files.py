"""Names of the files that one process leaves for another: in an --out folder, in a pack, in a bundle."""

# What a run is asked, beside its folder.
SPEC = "spec.json"
TRAINED_ON = "trained_on.json"  # the manifest of the pack that a network was trained on, asked about another

# The folder of an arm: --out/main or --out/control.
WEIGHTS = "model.safetensors"
UNPRUNED_WEIGHTS = "unpruned.safetensors"  # beside it, of a network that was pruned
NETWORK_CARD = "teacher.json"  # what another run must know of the network to begin with it or learn from it
TRAINED = "train.json"  # how the training went, and its curves
EVALUATION = "evaluation.json"
PREDICTIONS = "predictions.npz"  # of the held-out split, to compare arms image by image
IMAGE_PREDICTIONS = "predictions.parquet"  # what was said of each image, as `contract.predictions` has it
REPORT = "report.html"
ENVIRONMENT = "environment.json"  # what it was trained on, and by which code
CHECKPOINTS = "checkpoints"  # a folder

# What reading a pushed weights file left, beside the file.
WEIGHTS_REPORT = "weights.json"

# The folder of an export or of a profile.
BUNDLE = "bundle.zip"
EXPORT_RESULT = "export.json"
PROFILE_RESULT = "profile.json"

# A pack, and the report of the ingest that made it or could not.
PACK_MANIFEST = "manifest.json"
PACK_SAMPLES = "samples.arrow"
INGEST_REPORT = "report.json"
PACK_INSPECTION = "inspection.json"  # what is worth a look before training
PACK_THUMBNAILS = "thumbnails.bin"  # of a pack of image files

# The root of a bundle. Its programs carry these names themselves: they run without us.
BUNDLE_MANIFEST = "manifest.json"
BUNDLE_SIGNATURE = "signature.json"
LABELS = "labels.json"
PREPROCESS = "preprocess.json"
METRICS = "metrics.json"
MODEL_CARD = "model_card.md"
README = "README.md"
PRETRAINED_NOTICE = "PRETRAINED_WEIGHTS.txt"  # of a network that was fine-tuned: their source and licence
