"""Training of the model that finds codes: generated pictures, network, export, validation."""
