"""The classes of the model, in the order of its outputs."""

CLASS_NAMES = ("qr_code", "data_matrix", "aztec", "pdf417", "linear")
QR_CODE, DATA_MATRIX, AZTEC, PDF417, LINEAR = range(len(CLASS_NAMES))

IGNORED = -1
"""Class of a box in which nothing is asked of the model: too small, cut off, covered."""
