"""Training of the model that finds codes: generated images, network, export, validation."""
