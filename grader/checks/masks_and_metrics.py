"""The assignment masks_and_metrics: its questions and their points. NumPy only."""

from grader.checks import Question
from grader.checks.boundary import boundary_cases
from grader.checks.f_beta import challenge_cases, threshold_cases
from grader.checks.from_matrix import accuracy_cases, iou_dice_cases
from grader.checks.masks import colour_cases, label_cases
from grader.checks.metrics import confusion_cases, mean_cases

QUESTIONS = {
    "to_ids": Question(8, "function", {"ids": 0.5, "unknown": 0.5}, colour_cases),
    "prepare_label": Question(
        10, "function", {"decode and clean": 0.5, "resize": 0.5}, label_cases
    ),
    "confusion": Question(
        12,
        "function",
        {"counts": 0.5, "ignore": 0.25, "any size and type": 0.25},
        confusion_cases,
    ),
    "accuracies": Question(8, "function", {"values": 0.75, "absent": 0.25}, accuracy_cases),
    "iou_and_dice": Question(12, "function", {"values": 0.5, "absent": 0.5}, iou_dice_cases),
    "mean_ious": Question(
        12, "function", {"values": 0.5, "absent": 0.25, "ignore": 0.25}, mean_cases
    ),
    "challenge_score": Question(8, "function", {"score": 0.75, "speed": 0.25}, challenge_cases),
    "best_threshold": Question(
        8, "function", {"threshold": 0.75, "ties and nothing": 0.25}, threshold_cases
    ),
    "boundary_f1": Question(
        12, "function", {"contours": 0.5, "tolerance": 0.25, "empty": 0.25}, boundary_cases
    ),
}
