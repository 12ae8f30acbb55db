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
        asks=(
            "cross_entropy(logits, masks) gives the mean over the pixels that count, also for "
            "extreme logits."
        ),
        lesson="07 Logits, and how a right formula breaks",
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
        asks=(
            "class_weights(masks, classes, rule) gives one weight for each class, by inverse or "
            "median frequency."
        ),
        lesson="07 Weigh the classes",
    ),
    "weighted_cross_entropy": Question(
        10,
        "loss",
        {"values": 0.6, "ignored pixels": 0.4},
        weighted_cases,
        asks="weighted_cross_entropy(logits, masks, weights) weighs each pixel by its true class.",
        lesson="07 Weigh the classes",
    ),
    "focal_loss": Question(
        15,
        "loss",
        {"values": 0.4, "any γ": 0.2, "ignored pixels": 0.2, "extreme logits": 0.2},
        focal_cases,
        asks="focal_loss(logits, masks, gamma) weighs each pixel by how wrong it still is.",
        lesson="07 Weigh the difficult pixels: focal loss",
    ),
    "dice_loss": Question(
        15,
        "loss",
        {"values": 0.6, "absent classes": 0.2, "ignored pixels": 0.2},
        dice_loss_cases,
        asks=(
            "dice_loss(logits, masks, smooth) gives one minus the mean soft Dice of the classes "
            "that are present."
        ),
        lesson="07 Dice, by multiplying two pictures",
    ),
    "tversky_loss": Question(
        10,
        "loss",
        {"values": 0.6, "absent and ignored": 0.4},
        tversky_cases,
        asks="tversky_loss(logits, masks, alpha, beta) weighs false alarms and misses.",
        lesson="07 The family: Jaccard, Tversky, Lovász",
    ),
    "lovasz_loss": Question(
        10,
        "loss",
        {"values": 0.6, "absent and ignored": 0.4},
        lovasz_cases,
        asks="lovasz_loss(logits, masks) follows the IoU along the sorted errors of each class.",
        lesson="07 The family: Jaccard, Tversky, Lovász",
    ),
}
