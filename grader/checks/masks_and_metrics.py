"""The assignment masks_and_metrics: its questions and their points. NumPy only."""

from grader.checks import Question
from grader.checks.boundary import boundary_cases
from grader.checks.colours import colour_cases
from grader.checks.f_beta import challenge_cases, threshold_cases
from grader.checks.from_matrix import accuracy_cases, iou_dice_cases
from grader.checks.masks import label_cases
from grader.checks.mean_iou import mean_cases
from grader.checks.metrics import confusion_cases

QUESTIONS = {
    "to_ids": Question(
        8,
        "function",
        {"ids": 0.5, "unknown": 0.5},
        colour_cases,
        asks=(
            "to_ids(picture, palette) gives the mask of ids of a picture in the colours of a "
            "palette; 255 where no colour fits."
        ),
        lesson="02 Ids are pixel values",
    ),
    "prepare_label": Question(
        10,
        "function",
        {"decode and clean": 0.5, "resize": 0.5},
        label_cases,
        asks=(
            "prepare_label(label, height, width) decodes a label, removes the hood and resizes to"
            " the nearest id."
        ),
        lesson="02 The Lyft-Udacity frames",
    ),
    "confusion": Question(
        12,
        "function",
        {"counts": 0.5, "ignore": 0.25, "any size and type": 0.25},
        confusion_cases,
        asks=(
            "confusion(truth, prediction, classes) counts pixels, classes × classes, a row for "
            "each true class; 255 is left out."
        ),
        lesson="03 The confusion matrix holds everything",
    ),
    "accuracies": Question(
        8,
        "function",
        {"values": 0.75, "absent": 0.25},
        accuracy_cases,
        asks="accuracies(matrix) gives the overall accuracy and that of each true class.",
        lesson="03 Pixel accuracy, and why it misleads",
    ),
    "iou_and_dice": Question(
        12,
        "function",
        {"values": 0.5, "absent": 0.5},
        iou_dice_cases,
        asks=(
            "iou_and_dice(matrix) gives the IoU and the Dice of each class; nan where a class is "
            "in neither mask."
        ),
        lesson="03 Many classes: a worked example",
    ),
    "mean_ious": Question(
        12,
        "function",
        {"values": 0.5, "absent": 0.25, "ignore": 0.25},
        mean_cases,
        asks=(
            "mean_ious(truths, predictions, classes) gives the mean IoU over pooled pixels, and "
            "the mean over images of theirs."
        ),
        lesson="03 One prediction, nine 'mean IoUs'",
    ),
    "challenge_score": Question(
        8,
        "function",
        {"score": 0.75, "speed": 0.25},
        challenge_cases,
        asks=(
            "challenge_score(truths, predictions, frames_per_second) gives the score of the "
            "challenge."
        ),
        lesson="03 The score of the challenge",
    ),
    "best_threshold": Question(
        8,
        "function",
        {"threshold": 0.75, "ties and nothing": 0.25},
        threshold_cases,
        asks=(
            "best_threshold(truth, probabilities, thresholds, beta) gives the threshold with the "
            "highest F-beta, and that F-beta."
        ),
        lesson="03 Where to cut: the threshold",
    ),
    "boundary_f1": Question(
        12,
        "function",
        {"contours": 0.5, "tolerance": 0.25, "empty": 0.25},
        boundary_cases,
        asks=(
            "boundary_f1(truth, prediction, tolerance) gives the F1 of two outlines that may lie "
            "so many pixels apart."
        ),
        lesson="03 Borders",
    ),
}
