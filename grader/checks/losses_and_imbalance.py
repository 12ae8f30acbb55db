"""The assignment losses_and_imbalance: its questions and their points."""

from grader.checks import Question
from grader.checks.class_weights import class_weights_cases
from grader.checks.lovasz_loss import lovasz_cases
from grader.checks.overlap_losses import dice_loss_cases, tversky_cases
from grader.checks.pixel_losses import cross_entropy_cases, focal_cases, weighted_cases

QUESTIONS = {
    "cross_entropy": Question(
        15,
        "loss",
        {"values": 0.4, "ignored pixels": 0.3, "extreme logits": 0.3},
        cross_entropy_cases,
    ),
    "class_weights": Question(
        15,
        "function",
        {
            "inverse frequency": 0.3,
            "median frequency": 0.3,
            "absent classes": 0.2,
            "ignored pixels": 0.2,
        },
        class_weights_cases,
    ),
    "weighted_cross_entropy": Question(
        10, "loss", {"values": 0.6, "ignored pixels": 0.4}, weighted_cases
    ),
    "focal_loss": Question(
        15,
        "loss",
        {"values": 0.4, "any γ": 0.2, "ignored pixels": 0.2, "extreme logits": 0.2},
        focal_cases,
    ),
    "dice_loss": Question(
        15,
        "loss",
        {"values": 0.6, "absent classes": 0.2, "ignored pixels": 0.2},
        dice_loss_cases,
    ),
    "tversky_loss": Question(10, "loss", {"values": 0.6, "absent and ignored": 0.4}, tversky_cases),
    "lovasz_loss": Question(10, "loss", {"values": 0.6, "absent and ignored": 0.4}, lovasz_cases),
}
