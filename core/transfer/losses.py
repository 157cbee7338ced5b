"""The losses that ways of transfer are made of, as functions of tensors, each after its paper."""

import torch
from torch.nn import functional

from core.transfer.phases import Batch, Forward, Objective

Tensor = torch.Tensor


def cross_entropy(
    logits: Tensor, labels: Tensor, smoothing: float = 0.0, weights: Tensor | None = None
) -> Tensor:
    """Mean cross-entropy of logits (n, classes) against class indices (n,), in nats.

    Where the index is -1 none is known, and none counts. With `weights` (classes,) each error
    counts as its class does; the sum is divided by how many are known, not by their weights: so
    pieces of a batch add up, and a batch of one class counts fully.
    """
    if weights is None:
        return functional.cross_entropy(logits, labels, ignore_index=-1, label_smoothing=smoothing)
    total = functional.cross_entropy(
        logits, labels, weights, reduction="sum", ignore_index=-1, label_smoothing=smoothing
    )
    return total / (labels >= 0).sum().clamp(min=1)


def of_labels(smoothing: float) -> Objective:
    """What a phase minimises that names nothing else: `cross_entropy` with smoothed labels."""

    def objective(forward: Forward, batch: Batch) -> tuple[Tensor, Tensor]:
        logits, _ = forward(batch.inputs)
        return cross_entropy(logits, batch.labels, smoothing, batch.weights), logits

    return objective


def class_weights(labels: Tensor, classes: int) -> Tensor:
    """Weights (classes,) inverse to how often a class is among labels (n,); 1 on average over them,
    and for a class that is not among them.

    King and Zeng 2001, Logistic Regression in Rare Events Data; scikit-learn's “balanced”.
    """
    counts = labels.bincount(minlength=classes)
    weights = 1 / counts.clamp(min=1).float()
    return torch.where(counts > 0, weights / weights[labels].mean(), 1.0)


def l2_sp(parameters: list[Tensor], start: list[Tensor]) -> Tensor:
    """Half the squared distance from where the parameters started.

    Li, Grandvalet and Davoine 2018 (arXiv 1802.01483), without its factor alpha.
    """
    each = [(p - s).square().sum() for p, s in zip(parameters, start, strict=True)]
    total: Tensor = torch.stack(each).sum() / 2
    return total


def batch_spectral_shrinkage(features: Tensor, k: int = 1) -> Tensor:
    """The sum of the k smallest squared singular values of a batch's features (n, d).

    They carry what does not transfer: BSS, Chen et al. 2019 (NeurIPS 32).
    """
    smallest: Tensor = torch.linalg.svdvals(features)[-k:]
    return smallest.square().sum()


def attention_distance(features: Tensor, start: Tensor, weight: Tensor) -> Tensor:
    """Half the mean squared distance (n, d) to the features at the start, feature by feature
    weighted (d,): DELTA, Li et al. 2019 (arXiv 1901.09229), on the last layer's features.
    """
    distance: Tensor = (weight * (features - start).square()).sum(1).mean() / 2
    return distance


def category_relationship(logits: Tensor, labels: Tensor, classes: int) -> Tensor:
    """What the pretrained classes say of each new one: rows (classes, s) that sum to 1.

    The mean of the pretrained classifier's answers (n, s) over the images (n,) of a class: the
    direct approach of Co-Tuning, You et al. 2020 (NeurIPS 33), section 3.2. 0 without images.
    """
    probabilities = functional.softmax(logits, 1)
    rows = torch.zeros(classes, logits.shape[1]).index_add_(0, labels, probabilities)
    return rows / torch.bincount(labels, minlength=classes).clamp(min=1)[:, None]


def co_tuning(logits: Tensor, relationship: Tensor) -> Tensor:
    """Mean cross-entropy of pretrained classes' answers (n, s) to what each image's new class is
    like (n, s): Co-Tuning (same paper), without its factor lambda.
    """
    each: Tensor = -(relationship * functional.log_softmax(logits, 1)).sum(1)
    return each.mean()


def coral(source: Tensor, target: Tensor) -> Tensor:
    """Squared distance of the covariances of features (n, d) and (m, d), divided by 4 d².

    Deep CORAL, Sun and Saenko 2016 (arXiv 1607.01719).
    """
    d = source.shape[1]
    return (torch.cov(source.T) - torch.cov(target.T)).square().sum() / (4 * d * d)


def mmd(source: Tensor, target: Tensor, widths: tuple[float, ...] = (0.5, 1.0, 2.0)) -> Tensor:
    """Squared maximum mean discrepancy of features (n, d) and (m, d), Gaussian kernels.

    The kernels' widths are multiples of the mean squared distance within the batch: Long et al.
    2015 (arXiv 1502.02791), biased estimate.
    """
    both = torch.cat([source, target])
    distances = torch.cdist(both, both).square()
    scale = distances.detach().mean().clamp(min=1e-12)
    kernel = torch.stack([torch.exp(-distances / (scale * width)) for width in widths]).mean(0)
    n = len(source)
    return kernel[:n, :n].mean() + kernel[n:, n:].mean() - 2 * kernel[:n, n:].mean()


def class_confusion(logits: Tensor, temperature: float = 2.5) -> Tensor:
    """How far a batch's softened answers (n, classes) are confused between classes.

    Minimum Class Confusion, Jin et al. 2020 (arXiv 1912.03699): answers weighted by their
    certainty, their class correlation normalised by row, its part off the diagonal.
    """
    probabilities = functional.softmax(logits / temperature, 1)
    entropy = -(probabilities * torch.log(probabilities + 1e-5)).sum(1)
    weight = 1 + torch.exp(-entropy)
    weight = (len(logits) * weight / weight.sum()).detach()
    confusion = (probabilities * weight[:, None]).T @ probabilities
    confusion = confusion / confusion.sum(1, keepdim=True)
    return (confusion.sum() - confusion.trace()) / logits.shape[1]


class _Reversed(torch.autograd.Function):
    @staticmethod
    def forward(ctx, value, strength):  # type: ignore[no-untyped-def]
        ctx.strength = strength
        return value.view_as(value)

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        return -ctx.strength * gradient, None


def reverse_gradient(value: Tensor, strength: float) -> Tensor:
    """The value itself; its gradient comes back times -strength.

    Domain-adversarial training, Ganin et al. 2016 (arXiv 1505.07818).
    """
    turned: Tensor = _Reversed.apply(value, strength)
    return turned


def adversarial_strength(progress: float, steepness: float = 10.0) -> float:
    """2 / (1 + e^(-10 p)) - 1 at progress p from 0 to 1: DANN's schedule (same paper, 5.2.2)."""
    return float(2 / (1 + torch.exp(torch.tensor(-steepness * progress))) - 1)


def distillation(student: Tensor, teacher: Tensor, temperature: float = 4.0) -> Tensor:
    """KL divergence of softened answers (n, classes), times the temperature squared.

    Hinton, Vinyals and Dean 2015 (arXiv 1503.02531).
    """
    log_student = functional.log_softmax(student / temperature, 1)
    log_teacher = functional.log_softmax(teacher / temperature, 1)
    divergence = functional.kl_div(log_student, log_teacher, log_target=True, reduction="batchmean")
    return divergence * temperature**2


def relational_distance(student: Tensor, teacher: Tensor) -> Tensor:
    """Huber loss of pairwise distances, each divided by its batch's mean: RKD-D.

    Park et al. 2019 (arXiv 1904.05068); features (n, d) of two networks, d may differ.
    """
    return functional.smooth_l1_loss(_distances(student), _distances(teacher))


def relational_angle(student: Tensor, teacher: Tensor) -> Tensor:
    """Huber loss of the angles in all triples of images: RKD-A (same paper)."""
    return functional.smooth_l1_loss(_angles(student), _angles(teacher))


def _distances(features: Tensor) -> Tensor:
    squared = (features[:, None] - features[None]).square().sum(2)
    distances = (squared + 1e-12).sqrt() * (1 - torch.eye(len(features), device=features.device))
    return distances / distances[distances > 0].mean().clamp(min=1e-12)


def _angles(features: Tensor) -> Tensor:
    """Cosines (n, n, n) of the angle at image i between images j and k."""
    edges = functional.normalize(features[None] - features[:, None], dim=2, eps=1e-8)
    return edges @ edges.transpose(1, 2)
