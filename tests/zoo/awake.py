"""Makes models with random weights put out numbers that are worth comparing.

As they are initialised, detectors score 0.00001 everywhere, and lists of boxes that pass a threshold are empty.
"""

import torch


def settle(model, image):
    """Gives batch normalisations the statistics of an image, so that signals neither vanish nor explode."""
    norms = [m for m in model.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    if not norms:
        return
    training = model.training
    for norm in norms:
        norm.train()
        norm.momentum = 0.9
    with torch.no_grad():
        for _ in range(2):
            model(image)
    model.train(training)


def spread(branch, deviation, bias):
    """Gives the last layer of a branch numbers of about this deviation around `bias`."""
    layers = [m for m in branch.modules() if isinstance(m, (torch.nn.Conv2d, torch.nn.Linear))]
    if not layers:
        return
    layer = layers[-1]
    wide = layer.weight[0].numel()
    torch.nn.init.normal_(layer.weight, std=deviation / wide ** 0.5)
    if layer.bias is not None:
        torch.nn.init.constant_(layer.bias, bias)


def wake_ultralytics(model):
    """Scores of 0.05 to 0.8 and boxes of various sizes for Ultralytics' heads."""
    settle(model, torch.rand(2, 3, 320, 320))
    head = model.model[-1]
    for name in ("cv3", "one2one_cv3"):
        for branch in getattr(head, name, None) or []:
            spread(branch, 0.4, -4.0)
    for name in ("cv2", "one2one_cv2", "cv4", "one2one_cv4"):
        for branch in getattr(head, name, None) or []:
            spread(branch, 0.4, 0.0)
    for name in ("dec_score_head", "enc_score_head"):
        layers = getattr(head, name, None)
        for layer in layers if isinstance(layers, torch.nn.ModuleList) else [layers] if layers else []:
            spread(layer, 0.5, -2.0)
