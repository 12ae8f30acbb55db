"""Which submissions are shown as a pair: real models and notebooks, copied and written apart."""

import ast
import re
from functools import cache
from itertools import combinations

import nbformat
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import helper, numpy_helper
from torch.nn import functional

from grader import report, similar
from grader.confined import weights_of
from grader.settings import REPOSITORY
from helpers import streets
from tests import right
from tests.mutants.judged import solution

EXAMPLES = ("ada", "grace", "noor", "tomas")
IMAGES, TRUTH = streets.scenes(range(2000, 2016), [0])


def model_of(student):
    return onnx.load(REPOSITORY / f"assignments/examples/{student}/model.onnx")


def renamed(model):
    """The same network with other names, and its tensors and nodes stored in another order."""
    for tensor in model.graph.initializer:
        for node in model.graph.node:
            node.input[:] = [f"{i}_mine" if i == tensor.name else i for i in node.input]
        tensor.name += "_mine"
    for n, node in enumerate(model.graph.node):
        node.name = f"layer{n}"
    tensors = list(model.graph.initializer)[::-1]
    del model.graph.initializer[:]
    model.graph.initializer.extend(tensors)
    return model


def as_constants(model):
    """The same network, its weights in Constant nodes."""
    tensors = list(model.graph.initializer)
    nodes = [helper.make_node("Constant", [], [t.name], value=t) for t in tensors]
    nodes += list(model.graph.node)
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def permuted(model):
    """The same network, the channels between its first two convolutions the other way round."""
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    first, second = [node for node in model.graph.node if node.op_type == "Conv"][:2]
    for name, axis in ((first.input[1], 0), (first.input[2], 0), (second.input[1], 1)):
        values = np.flip(numpy_helper.to_array(tensors[name]), axis)
        tensors[name].CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values), name))
    return model


@cache
def trained_on(student, steps=20):
    """A copy whose weights were trained for some more steps."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = model_of(student)
    tensors = {t.name: torch.tensor(numpy_helper.to_array(t)) for t in model.graph.initializer}
    weights = {name: t.requires_grad_() for name, t in tensors.items() if t.is_floating_point()}
    images, masks = streets.scenes(range(24), [0])
    optimizer = torch.optim.Adam(weights.values(), 1e-4)
    for step in range(steps):
        some = np.arange(8) + 8 * (step % 3)
        photos = torch.tensor(images[some].transpose(0, 3, 1, 2) / np.float32(255))
        logits = run_in_torch(model.graph, tensors, photos)
        loss = functional.cross_entropy(logits, torch.tensor(masks[some].astype(np.int64)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for tensor in model.graph.initializer:
        values = tensors[tensor.name].detach().numpy()
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    return model


def run_in_torch(graph, tensors, images):
    """The logits of a graph of convolutions, max pooling, ReLU and joins."""
    known = tensors | {graph.input[0].name: images}
    for node in graph.node:
        given = [known[name] for name in node.input]
        options = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        if node.op_type == "Conv":
            made = functional.conv2d(*given, padding=options["pads"][0])
        elif node.op_type == "ConvTranspose":
            made = functional.conv_transpose2d(*given, stride=options["strides"][0])
        elif node.op_type == "Concat":
            made = torch.cat(given, options["axis"])
        else:
            made = (
                functional.max_pool2d(*given, 2) if node.op_type == "MaxPool" else given[0].relu()
            )
        known[node.output[0]] = made
    return known[graph.output[0].name]


def digest_of(model):
    """The digest of its mistakes on 16 scenes."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    (node,) = session.get_inputs()
    images, last = IMAGES.astype(np.float32) / 255, node.shape[3] == 3
    (logits,) = session.run(None, {node.name: images if last else images.transpose(0, 3, 1, 2)})
    return similar.digest(TRUTH, logits.argmax(3 if last else 1).astype(np.uint8))


@pytest.mark.parametrize("change", [renamed, as_constants, permuted])
def test_weights_stay_the_same_whatever_they_are_called_and_wherever_they_stand(change):
    original, copy = model_of("ada"), change(model_of("ada"))
    onnx.checker.check_model(copy)
    assert copy.SerializeToString() != original.SerializeToString()
    assert weights_of(copy.SerializeToString()) == weights_of(original.SerializeToString())
    assert similar.same_mistakes(*map(unpacked, (original, copy))) > 0.99


def test_other_networks_have_other_weights():
    models = [*map(model_of, EXAMPLES), trained_on("ada")]
    assert len({weights_of(model.SerializeToString()) for model in models}) == 5


def test_a_network_without_weights_has_none_to_compare():
    nodes = [helper.make_node("Relu", ["image"], ["logits"])]
    graph = helper.make_graph(nodes, "g", [], [])
    assert weights_of(helper.make_model(graph).SerializeToString()) == ""
    assert similar.pairs({"a": "", "b": ""}, {}, {}, "") == []


def unpacked(model):
    return similar.mistakes_of(digest_of(model))


def test_networks_that_were_trained_apart_are_no_pair():
    apart = [unpacked(model_of(student)) for student in EXAMPLES]
    shares = [similar.same_mistakes(a, b) for a, b in combinations(apart, 2)]
    assert len(shares) == 6 and max(shares) < similar.SAME_MISTAKES - 0.05


def test_a_copy_that_was_trained_on_is_a_pair():
    share = similar.same_mistakes(unpacked(model_of("ada")), unpacked(trained_on("ada")))
    assert similar.SAME_MISTAKES + 0.05 < share < 1


def test_a_digest_is_small_and_holds_the_mistakes_alone():
    text = digest_of(model_of("noor"))
    assert len(text) < 6000
    assert set(similar.mistakes_of(text)) <= {*range(13), similar.RIGHT}
    assert similar.mistakes_of(text).size == 16 * 24 * 32
    nothing = similar.digest(np.full_like(TRUTH, 255), TRUTH)
    assert set(similar.mistakes_of(nothing)) == {similar.RIGHT}, "ignored pixels are no mistakes"


def test_of_models_without_mistakes_nothing_can_be_said():
    perfect = similar.mistakes_of(similar.digest(TRUTH, TRUTH))
    assert np.isnan(similar.same_mistakes(perfect, perfect))
    assert np.isnan(similar.same_mistakes(perfect, perfect[:-1]))


NAME = "losses_and_imbalance"


@pytest.fixture(scope="module")
def released():
    """The code that all students begin with."""
    solved = "\n".join(solution(NAME).values())
    stub = "...  # your code here"
    return re.sub(r"### BEGIN SOLUTION.*?### END SOLUTION", stub, solved, flags=re.DOTALL)


def code_of(cells, tmp_path):
    """The code of a notebook of these cells, as it is read from the disk."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    path = tmp_path / "handed_in.ipynb"
    nbformat.write(notebook, path)
    return report._code(path)


def answers(given):
    """The cells of the notebook with these answers in place of the solution's."""
    mine = {f"{answer.question}_answer": answer.code for answer in given}
    return [
        mine.get(name, "" if name.endswith("_answer") else cell)
        for name, cell in solution(NAME).items()
    ]


def disguised(cells):
    """The same cells, last first, every variable called differently, comments and lines moved."""
    names = set()
    for cell in cells:
        for node in ast.walk(ast.parse(cell)):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.add(node.id)
            if isinstance(node, ast.arg):
                names.add(node.arg)
    pattern = re.compile(rf"(?<![.\w\"'])({'|'.join(sorted(names))})\b(?!\s*=[^=])")
    changed = [pattern.sub(r"my_own_\1", re.sub(r"  #.*", "", cell)) for cell in cells]
    return [cell.replace("):\n", "):  # as I see it\n\n") for cell in reversed(changed)]


def test_renamed_and_reordered_code_is_a_pair(released, tmp_path):
    original = answers(next(right.rounds(right.of(NAME))))
    copy = disguised(original)
    lines = [{line for cell in cells for line in cell.splitlines()} for cells in (original, copy)]
    assert len(lines[0] & lines[1]) < len(lines[0]) / 3, "most of them were released"
    code = {"a": code_of(original, tmp_path), "b": code_of(copy, tmp_path)}
    (pair,) = similar.pairs({}, {}, code, released)
    (reason,) = pair.reasons
    assert re.fullmatch(r"\d+% of the code of [ab] stands in that of [ab], names aside", reason)


def test_part_of_a_longer_notebook_is_a_pair(released, tmp_path):
    original = answers(next(right.rounds(right.of(NAME))))
    half = original[: len(original) // 2]
    code = {"a": code_of(original, tmp_path), "b": code_of(half, tmp_path)}
    assert similar.same_code(code, released)["a", "b"][0] == "b", "b's code stands in a's"


def test_answers_that_were_written_apart_are_no_pair(released, tmp_path):
    apart = {"solution": code_of(solution(NAME).values(), tmp_path)}
    for n, together in enumerate(right.rounds(right.of(NAME))):
        apart[f"round {n}"] = code_of(answers(together), tmp_path)
    assert len(apart) >= 4
    assert similar.same_code(apart, released) == {}


def test_the_released_notebook_is_nobodys_code(released):
    assert similar.same_code(dict.fromkeys("abc", released), released) == {}


def test_pairs_with_the_most_reasons_come_first():
    texts = {student: digest_of(model_of("noor")) for student in "cd"}
    weights = {"a": "1", "b": "1", "c": "2", "d": "2"}
    found = similar.pairs(weights, texts, {}, "")
    assert [(pair.first, pair.second, len(pair.reasons)) for pair in found] == [
        ("c", "d", 2),
        ("a", "b", 1),
    ]
