"""Assignment 3 from release to feedback: real nbgrader, real kernels, the real judge."""

import pytest

NAME = "losses_and_imbalance"
FULL = dict.fromkeys(["ada", "grace"], 90)
CHANGES = {  # what rosa has other than the solution
    "torch.log_softmax(logits, 1)": "torch.log(torch.softmax(logits, 1) + 1e-8)",
    "(1 - log_p.exp()) ** gamma": "(1 - log_p.detach().exp()) ** gamma",
    "alpha * fp + beta * fn": "alpha * fn + beta * fp",
}


@pytest.mark.parametrize("student", FULL)
def test_the_solution_gets_every_point_in_both_frameworks(grades, student):
    for question, record in grades[student].items():
        if question == "analysis":
            assert (record["outcome"], record["points"]) == ("by hand", None)
        else:
            assert (record["points"], record["remark"]) == (record["max"], "right"), record
    assert sum(r["points"] or 0 for r in grades[student].values()) == FULL[student]


def test_mistakes_cost_their_part_and_are_named(grades):
    points = {question: record["points"] for question, record in grades["rosa"].items()}
    assert points == {
        "cross_entropy": 10.5, "class_weights": 15, "weighted_cross_entropy": 10,
        "focal_loss": 0, "dice_loss": 15, "tversky_loss": 0, "lovasz_loss": 10, "analysis": None,
    }  # fmt: skip
    said = {question: record["remark"] for question, record in grades["rosa"].items()}
    assert "only hides the overflow: the loss stops at 18" in said["cross_entropy"]
    assert "the factor is detached" in said["focal_loss"]
    assert "α and β are swapped" in said["tversky_loss"]


def test_an_untouched_notebook_gets_nothing_and_is_not_an_error(grades):
    assert len(grades["sam"]) == 8
    assert {(r["points"], r["outcome"]) for r in grades["sam"].values()} == {(0, "no answer")}


def test_the_feedback_tells_the_hint(day, grades):
    page = (day / f"feedback/rosa/{NAME}/{NAME}.html").read_text()
    assert page.count("[judge]") == 7 and "the factor is detached" in page


def test_what_students_get_holds_no_solution(day):
    text = (day / f"release/{NAME}/{NAME}.ipynb").read_text()
    for word in ("SOLUTION", "true_log_p", "p_and_t", "take_along_axis", "A named object"):
        assert word not in text
