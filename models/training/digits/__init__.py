"""Training of the model that reads digits: generated crops, network, export, validation."""
