"""The MeshNet engine reads what a converter writes, and computes what the plain network computes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from layers_writer import by_hand, store_of, write_network
from scanwright.tools.engines import meshnet
from scanwright.tools.engines.brainchop import CARDS
from scanwright.tools.engines.layers_model import Layer, read_layers
from scanwright.tools.engines.meshnet import MeshNet
from scanwright.tools.errors import Cancelled, ToolFailed
from scanwright.tools.weights.store import WeightsStore

SHAPE = (23, 31, 19)


def read(folder: Path) -> tuple[Layer, ...]:
    files = store_of(folder).resolve("toy")
    return read_layers(files["model"], files["weights"])


def volume(shape: tuple[int, int, int] = SHAPE) -> Any:
    return 4 * np.random.default_rng(3).standard_normal(shape, dtype=np.float32)


@pytest.mark.parametrize(
    ("activation", "bias", "normed"),
    [("relu", True, False), ("elu", True, False), ("gelu", False, True), ("gelu", True, False)],
)
def test_labels_are_those_of_the_network_computed_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, activation: str, bias: bool, normed: bool
) -> None:
    monkeypatch.setattr(meshnet, "SLAB_VOXELS", 4 * 31 * 19)
    made = write_network(
        tmp_path / "toy", activation=activation, bias=bias, normed=normed, dilations=(1, 4, 8, 2), classes=4
    )
    scores = by_hand(made, volume(), activation, normed)
    labels = MeshNet(read(tmp_path)).labels(volume())
    second, first = np.sort(scores, axis=0)[-2:]
    clear = first - second > 1e-4
    assert clear.mean() > 0.99
    assert np.array_equal(labels[clear], scores.argmax(0)[clear])
    assert len(np.unique(labels)) > 1


def test_slabs_of_any_thickness_give_the_same_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_network(tmp_path / "toy", dilations=(1, 2, 16))
    net = MeshNet(read(tmp_path))
    whole = net.labels(volume())
    for voxels in (1, 5 * 31 * 19):
        monkeypatch.setattr(meshnet, "SLAB_VOXELS", voxels)
        assert np.array_equal(net.labels(volume()), whole)


@pytest.mark.parametrize("normed", [False, True])
def test_bfloat16_agrees_with_float32_in_nearly_all_voxels(tmp_path: Path, normed: bool) -> None:
    write_network(tmp_path / "toy", dilations=(1, 4, 8), activation="gelu" if normed else "elu", normed=normed)
    layers = read(tmp_path)
    exact, rough = (MeshNet(layers, p).labels(volume((32, 40, 24))) for p in ("float32", "bfloat16"))
    assert (exact == rough).mean() > 0.97
    assert len(np.unique(exact)) > 1


def test_of_equal_scores_the_lower_class_is_taken(tmp_path: Path) -> None:
    made = write_network(tmp_path / "toy", classes=4)
    last = made[-1]
    data = bytearray((tmp_path / "toy" / "model.bin").read_bytes())
    tail = np.zeros(last["kernel"].size + 4, "<f4")
    tail[-4:] = (0.0, 2.0, 2.0, 1.0)
    data[-tail.nbytes :] = tail.tobytes()
    (tmp_path / "toy" / "model.bin").write_bytes(data)
    assert set(np.unique(MeshNet(read(tmp_path)).labels(volume()))) == {1}


def test_progress_rises_to_one_and_can_stop_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meshnet, "SLAB_VOXELS", 4 * 31 * 19)
    write_network(tmp_path / "toy", normed=True, activation="gelu")
    net = MeshNet(read(tmp_path))
    told: list[float] = []
    net.labels(volume(), told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) > 20

    def stop(fraction: float) -> None:
        if fraction > 0.3:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        net.labels(volume(), stop)


def _cut(folder: Path) -> None:
    file = folder / "model.bin"
    file.write_bytes(file.read_bytes()[:-4])


def _lengthen(folder: Path) -> None:
    file = folder / "model.bin"
    file.write_bytes(file.read_bytes() + b"\0\0\0\0")


def _layer_of(described: dict[str, Any], i: int) -> dict[str, Any]:
    layer: dict[str, Any] = described["modelTopology"]["model_config"]["config"]["layers"][i]
    return layer


@pytest.mark.parametrize(
    ("change", "spoil", "words"),
    [
        (None, _cut, "no place in the binary"),
        (None, _lengthen, "longer than its manifest"),
        (lambda d: _layer_of(d, 1)["config"].update(groups=2), None, "not a plain convolution"),
        (lambda d: _layer_of(d, 1)["config"].update(strides=[2, 2, 2]), None, "not a plain convolution"),
        (lambda d: _layer_of(d, 1)["config"].update(filters=6), None, "kernel of c0 has the shape"),
        (lambda d: _layer_of(d, 3).update(inbound_nodes=[[["input", 0, 0, {}]]]), None, "does not follow"),
        (lambda d: _layer_of(d, 2).update(class_name="Lambda"), None, "kind Lambda is not known"),
        (lambda d: _layer_of(d, 2)["config"].update(activation="swish"), None, "activation swish"),
        (lambda d: d["weightsManifest"][0]["weights"][0].update(dtype="uint8"), None, "not plain float32"),
        (lambda d: d["weightsManifest"][0]["weights"][0].update(shape=[3, 3, 3, 1, -5]), None, "no place"),
        (lambda d: d.pop("weightsManifest"), None, "has no 'weightsManifest'"),
        (lambda d: d["modelTopology"]["model_config"]["config"]["layers"].pop(), None, "last layer is no plain"),
    ],
)
def test_a_file_that_is_no_such_network_is_refused_in_one_sentence(
    tmp_path: Path, change: Any, spoil: Any, words: str
) -> None:
    write_network(tmp_path / "toy", change=change)
    if spoil is not None:
        spoil(tmp_path / "toy")
    with pytest.raises(ToolFailed, match=re.escape(words)):
        read(tmp_path)


def test_a_network_that_no_store_has_verified_is_not_read(tmp_path: Path) -> None:
    write_network(tmp_path / "toy")
    with pytest.raises(ToolFailed, match="have not been checked against a known hash"):
        read_layers(tmp_path / "toy" / "model.json", tmp_path / "toy" / "model.bin")


@pytest.mark.data
def test_the_published_networks_are_those_that_their_description_says(data_dir: Path) -> None:
    folder = data_dir / "meshnet_brainchop"
    table = {}
    for line in (folder / "README.md").read_text().splitlines():
        cells = [c.strip() for c in line.strip("|").split("|")]
        if len(cells) == 8 and (folder / cells[0]).is_dir():
            table[cells[0]] = cells
    store = WeightsStore(folder)
    assert len(CARDS) == 7
    for card in CARDS:
        files = store.resolve(card.weights)
        layers = read_layers(files["model"], files["weights"])
        _, classes, channels, dilations, bias, activation, _, size = table[card.name]
        assert len(card.classes) == layers[-1].channels == int(classes)
        assert {x.channels for x in layers[:-1]} == {int(channels)}
        said = [int(n) for n in re.findall(r"\d+", dilations.split("five")[0].split("(eight")[0])]
        assert [x.dilation for x in layers[:-1]] == said * (5 if "five times" in dilations else 1)
        assert {x.bias is not None for x in layers[:-1]} == {bias == "yes"}
        assert {x.normed for x in layers[:-1]} == {"instance norm" in activation}
        assert {x.activation for x in layers[:-1]} == {re.search("relu|gelu|elu", activation.lower())[0]}  # type: ignore[index]
        assert files["weights"].stat().st_size == int(size.replace(",", ""))


@pytest.mark.data
def test_the_names_of_the_classes_are_those_that_were_published(data_dir: Path) -> None:
    import json

    for card in CARDS:
        for name in ("colormap3.json", "colormap.json"):
            file = data_dir / "meshnet_brainchop" / card.name / name
            if file.exists():
                assert tuple(json.loads(file.read_text())["labels"]) == card.classes, card.name
                break
        else:
            assert card.name == "model11_gw_ae"
