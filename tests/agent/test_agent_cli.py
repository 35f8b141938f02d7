"""The command line: exit codes, JSON, tables, plans that are run again, and two commands on one home."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from agent_examples import HEAD_TRUTH, SPACING, calls, head_ct, marker_mask, plan_of, small_scan, step, write_scan
from scanwright.agent.cli.main import main
from scanwright.memory.home import Home
from scanwright.tools import phantoms

CODE = "from scanwright.agent.cli.main import main; main()"
Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cli-home")


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str], home: Path) -> Cli:
    """Runs a command in this process; exit code, stdout, stderr."""

    def run(*words: object, at: Path | None = None) -> tuple[int, str, str]:
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            main([*map(str, words), "--home", str(at or home)])
        out, err = capfd.readouterr()
        assert isinstance(end.value.code, int)
        assert "Traceback" not in err
        return end.value.code, out, err

    return run


def scanwright(*words: object, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CODE, *map(str, words)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, **options,
    )  # fmt: skip


def test_an_answer_is_exit_0_with_its_number_on_stdout_and_the_run_on_stderr(cli: Cli, scans: Path) -> None:
    code, out, err = cli("ask", scans / "head.nii.gz", "How large is the skull in litres?")
    assert code == 0
    match = re.search(r"volume of the skull is ([\d.]+) L ", out)
    assert match is not None
    assert float(match[1]) == pytest.approx(HEAD_TRUTH["skull_ml"] / 1000, rel=0.02)
    assert "Research use only" in err
    assert "Planned by exemplar" in err


def test_partly_is_exit_0_and_says_which_part_was_not_answered(cli: Cli, scans: Path) -> None:
    code, out, _ = cli("ask", scans / "head.nii.gz", "How large is the skull, and how large is the liver?")
    assert code == 0
    assert "volume of the skull is" in out
    assert "Not answered (volume of the liver)" in out


@pytest.mark.parametrize(
    ("question", "word"),
    [
        ("How large is the liver?", "shows the head"),
        ("Is there a fracture?", "Not assessed"),
        ("How large is the brain?", "weights"),
        ("What is the diagnosis?", "diagnose"),
        ("What is the volume of the marked region?", "--mask"),
        ("What is the HU at this point?", "--at"),
    ],
)
def test_refused_and_needs_input_are_exit_3(question: str, word: str, cli: Cli, scans: Path) -> None:
    code, out, _ = cli("ask", scans / "head.nii.gz", question)
    assert (code, word in out) == (3, True), out


def test_a_missing_modality_is_asked_for_and_answered_when_it_is_given(cli: Cli, tmp_path: Path) -> None:
    scan = head_ct(tmp_path)
    (tmp_path / "head.json").unlink()
    code, out, _ = cli("ask", scan, "How large is the skull?")
    assert (code, "--modality CT" in out) == (3, True)
    code, out, _ = cli("ask", scan, "How large is the skull?", "--modality", "CT")
    assert (code, "--body-part head" in out) == (3, True)
    code, out, _ = cli("ask", scan, "How large is the skull?", "--modality", "CT", "--body-part", "head")
    assert (code, "volume of the skull is" in out) == (0, True)


def test_unknown_sides_refuse_left_and_right_and_nothing_else(cli: Cli, scans: Path) -> None:
    head = scans / "head.nii.gz"
    code, out, _ = cli("ask", head, "How large is the left half of the skull?", "--sides", "unknown")
    assert (code, "which side is left" in out) == (3, True)
    assert cli("ask", head, "How large is the skull?", "--sides", "unknown")[0] == 0


def test_a_sidecar_that_changes_is_read_again(cli: Cli, tmp_path: Path) -> None:
    scan = head_ct(tmp_path)
    question = "How large is the left half of the skull?"
    assert cli("ask", scan, question)[0] == 0
    sidecar = {"Modality": "CT", "BodyPartExamined": "HEAD", "SidesKnown": False}
    (tmp_path / "head.json").write_text(json.dumps(sidecar))
    assert cli("ask", scan, question)[0] == 3


def test_a_failed_run_is_exit_1(cli: Cli, scans: Path) -> None:
    code, out, _ = cli("ask", scans / "head.nii.gz", "What is the HU at this point?", "--at", "0,0,9000")
    assert code in (1, 3), out
    assert "outside" in out


def test_json_is_all_of_stdout_and_has_every_key_that_is_published(cli: Cli, scans: Path) -> None:
    code, out, err = cli("ask", scans / "head.nii.gz", "How large is the skull? Is there a fracture?", "--json")
    assert (code, err) == (0, "")
    result = json.loads(out)
    assert {"run_id", "question", "status", "goals", "answer", "refusal", "plan", "evidence", "warnings"} <= set(result)
    assert result["status"] == "partly"
    assert all({"goal", "status", "reason", "evidence"} <= set(g) for g in result["goals"])
    assert {"reason", "missing", "offers"} <= set(result["refusal"])
    step_keys = {"id", "tool", "version", "inputs", "status", "seconds", "cached"}
    assert all(step_keys <= set(s) for s in result["plan"]["steps"])
    evidence_keys = {"id", "kind", "name", "code", "value", "unit", "uncertainty", "step", "tool", "method", "artifact"}
    assert all(evidence_keys <= set(e) for e in result["evidence"])
    first = result["evidence"][0]
    assert (first["id"], first["unit"], first["code"]["system"]) == ("E1", "mL", "SCT")
    assert "[E1]" in result["answer"]
    figure = next(e for e in result["evidence"] if e["kind"] == "Figure")
    assert Path(figure["artifact"]).read_bytes().startswith(b"\x89PNG")


def test_a_table_has_one_row_each_also_for_a_study_that_fails(cli: Cli, scans: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.nii.gz").write_text("no scan")
    smaller = head_ct(tmp_path, "without", marker_hu=40)
    studies = [scans / "head.nii.gz", tmp_path / "broken.nii.gz", smaller, scans / "small.nii.gz"]
    table = tmp_path / "out.csv"
    code, out, err = cli("ask", *studies, "How many mL of the head lie above 60 HU?", "--table", table)
    assert (code, "2 of 4" in out) == (0, True)
    assert "broken.nii.gz" in err
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [Path(r["study"]).name for r in rows] == ["head.nii.gz", "broken.nii.gz", "without.nii.gz", "small.nii.gz"]
    assert [r["status"] for r in rows] == ["answered", "failed", "answered", "needs_input"]
    column = next(c for c in rows[0] if c.startswith("volume of") and c.endswith("[mL]"))
    markers = HEAD_TRUTH["marker_left_ml"] + HEAD_TRUTH["marker_right_ml"]
    difference = float(rows[0][column]) - float(rows[2][column])
    assert difference == pytest.approx(markers, rel=0.15)
    assert "broken.nii.gz" in rows[1]["reason"]
    assert "modality" in rows[3]["reason"]
    assert not list(tmp_path.glob(".*part"))


def test_a_table_of_studies_that_all_fail_is_written_and_exit_2(cli: Cli, tmp_path: Path) -> None:
    code, _, _ = cli("ask", tmp_path / "a.nii", tmp_path / "b.nii", "How large is it?", "--table", tmp_path / "t.csv")
    assert code == 2
    assert len((tmp_path / "t.csv").read_text().splitlines()) == 3


def test_an_export_waits_for_approval_and_runs_with_yes(cli: Cli, scans: Path) -> None:
    words = ["ask", scans / "head.nii.gz", "Save the mask of the skull as NIfTI."]
    code, out, err = cli(*words)
    assert (code, out, "--yes" in err) == (3, "", True)
    code, out, _ = cli(*words, "--yes", "--json")
    assert code == 0
    file = next(e for e in json.loads(out)["evidence"] if e["kind"] == "File")
    import nibabel

    mask = nibabel.load(file["artifact"])
    volume_ml = float(mask.get_fdata().sum()) * SPACING[0] * SPACING[1] * SPACING[2] / 1000  # type: ignore[attr-defined]
    assert volume_ml == pytest.approx(HEAD_TRUTH["skull_ml"], rel=0.02)


def test_review_without_a_terminal_is_exit_3_and_runs_nothing(scans: Path, tmp_path: Path) -> None:
    process = scanwright(
        "ask", scans / "head.nii.gz", "How large is the skull?", "--review", "--home", tmp_path / "home"
    )
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (3, "")
    assert "mask_volume" in err
    assert "--yes" in err
    with Home.open(tmp_path / "home") as home:
        assert home.runs.list() == []


def test_a_plan_that_is_run_gives_the_same_numbers_and_the_same_refusals(cli: Cli, scans: Path, tmp_path: Path) -> None:
    question = "How large is the skull, how large is the liver, and is there a fracture?"
    file = tmp_path / "plan.json"
    head = scans / "head.nii.gz"
    code, out, _ = cli("plan", head, question, "-o", file)
    assert (code, "mask_volume" in out) == (0, True)
    asked = json.loads(cli("ask", head, question, "--json")[1])
    ran = json.loads(cli("run", file, head, "--json")[1])
    assert ran["answer"].replace(ran["run_id"], "") == asked["answer"].replace(asked["run_id"], "")
    assert [e["value"] for e in ran["evidence"]] == [e["value"] for e in asked["evidence"]]
    assert (ran["status"], ran["goals"]) == (asked["status"], asked["goals"])
    piped = cli("plan", head, question, "--json")
    assert json.loads(piped[1]) == json.loads(file.read_text())


def test_a_plan_of_steps_alone_answers_with_its_last_steps(cli: Cli, scans: Path, tmp_path: Path) -> None:
    steps = [
        {"id": "a", "tool": "head_outline", "version": "1", "inputs": {"volume": {"study": "S1"}}},
        {"id": "b", "tool": "mask_volume", "version": "1", "inputs": {"mask": {"step": "a"}}},
    ]
    (tmp_path / "plan.json").write_text(json.dumps({"steps": steps}))
    code, out, _ = cli("run", tmp_path / "plan.json", scans / "head.nii.gz", "--json")
    assert code == 0
    value = next(e["value"] for e in json.loads(out)["evidence"] if e["quantity"] == "volume")
    assert value == pytest.approx(HEAD_TRUTH["head_ml"], rel=0.02)


def test_plan_runs_nothing(cli: Cli, scans: Path, tmp_path: Path) -> None:
    assert cli("plan", scans / "head.nii.gz", "How large is the skull?", at=tmp_path / "home")[0] == 0
    with Home.open(tmp_path / "home") as home:
        assert home.runs.list() == []
        assert len(home.studies.list()) == 1


def test_plan_of_what_cannot_be_done_is_exit_3(cli: Cli, scans: Path) -> None:
    code, out, _ = cli("plan", scans / "head.nii.gz", "How large is the liver?")
    assert (code, "liver" in out) == (3, True)


def test_show_tells_where_each_number_came_from(cli: Cli, scans: Path) -> None:
    cli("ask", scans / "head.nii.gz", "What is the surface area of the skull?")
    code, out, _ = cli("show")
    assert code == 0
    assert "surface area of the skull" in out
    assert "surface_area 1" in out
    assert "bone" in out
    code, out, _ = cli("show", "last", "--events", "--json")
    shown = json.loads(out)
    assert shown["events"][0]["kind"] == "run.started"
    assert shown["events"][-1]["kind"] == "run.finished"


def test_studies_and_import_list_what_is_there(cli: Cli, scans: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    code, out, err = cli("studies", at=home)
    assert (code, out, "No study" in err) == (0, "", True)
    before = (scans / "head.nii.gz").read_bytes()
    code, out, _ = cli("import", scans / "head.nii.gz", scans / "small.nii.gz", at=home)
    assert (code, len(out.splitlines())) == (0, 2)
    assert (scans / "head.nii.gz").read_bytes() == before
    again = cli("import", scans / "head.nii.gz", at=home)[1]
    assert again.splitlines()[0] == out.splitlines()[0]
    listed = json.loads(cli("studies", "--json", at=home)[1])
    assert [s["name"] for s in listed] == ["head", "small"]
    code, out, _ = cli("ask", "head", "What is the voxel spacing?", at=home)
    assert (code, "3 × 3.3 × 3.5 mm" in out) == (0, True)
    code, out, _ = cli("ask", listed[0]["study_id"][:8], "What is the matrix size?", at=home)
    assert code == 0


def test_tools_lists_all_shows_one_and_says_which_fit_a_study(cli: Cli, scans: Path) -> None:
    code, out, _ = cli("tools")
    assert (code, "mask_volume" in out, "brain_extraction" in out) == (0, True, True)
    code, out, _ = cli("tools", "skull")
    assert code == 0
    assert "reference:" in out
    assert "condition modality" in out
    cards = json.loads(cli("tools", "--study", scans / "head.nii.gz", "--json")[1])
    fits = {c["id"]: c["why_not"] for c in cards}
    assert fits["skull"] is None
    assert "MR" in fits["brain_extraction"]


def test_doctor_says_what_is_there(cli: Cli, home: Path) -> None:
    code, out, _ = cli("doctor")
    assert (code, str(home) in out) == (0, True)
    report = json.loads(cli("doctor", "--json")[1])
    assert report["tools"]["skull"] is None
    assert report["packages"]["numpy" if "numpy" in report["packages"] else "torch"]
    assert report["broken"] == {}


def test_the_whole_catalogue_plans_the_same_where_nothing_is_missing(cli: Cli, tmp_path: Path) -> None:
    scan = small_head_mr(tmp_path)
    code, out, _ = cli("plan", scan, "How large is the brain?", "--catalogue", "all")
    assert (code, "brain_extraction" in out, "to fetch" in out) == (0, True, False)
    assert cli("plan", scan, "How large is the brain?")[1] == out


def small_head_mr(folder: Path) -> Path:
    phantom = phantoms.head_ct(SPACING)
    voxels = (phantom.voxels + 1000) // 4
    return write_scan(folder, "mr", voxels, phantom.affine, {"Modality": "MR", "BodyPartExamined": "HEAD"})


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from scanwright.agent.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "heavy = {'numpy', 'torch', 'pydantic', 'sqlalchemy', 'langgraph', 'nibabel', 'scipy'} & set(sys.modules)\n"
        "print('heavy:', sorted(heavy))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "heavy: []"
    for command in ("ask", "plan", "run", "show", "resume", "tools", "studies", "import", "doctor"):
        assert f"\n  {command}" in done.stdout


@pytest.mark.parametrize("command", ["ask", "plan", "run", "show", "resume", "tools", "studies", "import", "doctor"])
def test_every_command_has_help(command: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([command, "--help"])
    assert end.value.code == 0
    assert "--home" in capfd.readouterr().out


def test_a_wrong_option_is_exit_2(cli: Cli) -> None:
    assert cli("studies", "--nonsense")[0] == 2
    assert cli("ask")[0] == 2
    assert cli("ask", "only-a-study")[0] == 2


def test_two_commands_on_one_home_take_turns_say_so_and_lose_nothing(scans: Path, tmp_path: Path) -> None:
    head_ct(tmp_path, "one")
    head_ct(tmp_path, "two", marker_hu=40)
    home = tmp_path / "home"
    question = "What are the volume and the surface area of the skull?"
    processes = [scanwright("ask", tmp_path / f"{n}.nii.gz", question, "--home", home) for n in ("one", "two")]
    told = [p.communicate(timeout=120) for p in processes]
    assert [p.returncode for p in processes] == [0, 0], told
    waited = [err for _, err in told if "waiting for it to finish" in err]
    assert len(waited) == 1
    with Home.open(home) as opened:
        assert {s.name for s in opened.studies.list()} == {"one", "two"}
        assert [r.status for r in opened.runs.list()] == ["answered", "answered"]


@pytest.fixture
def driver(probe_path: str) -> list[str]:
    return [sys.executable, str(Path(__file__).with_name("agent_probe_driver.py"))]


def test_ctrl_c_stops_a_run_keeps_what_is_finished_and_resume_goes_on(driver: list[str], tmp_path: Path) -> None:
    import signal

    study = small_scan(tmp_path)
    folder = str(tmp_path)
    plan = plan_of(
        step("quick", "probe_step", folder=folder, name="quick"),
        step("slow", "probe_step", "quick", folder=folder, name="slow", seconds=2.0),
    )
    (tmp_path / "plan.json").write_text(plan.to_json())
    command = [*driver, str(tmp_path / "home"), str(tmp_path / "plan.json"), str(study)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until = time.monotonic() + 60
    while not (tmp_path / "slow").exists() and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    with Home.open(tmp_path / "home") as home:
        record = home.runs.get("last")
        assert home.runs.events(record.run_id)[-1].kind.value == "run.interrupted"
    done = subprocess.run(command, capture_output=True, text=True)
    assert json.loads(done.stdout) == {"run_id": record.run_id, "status": "answered"}
    assert calls(tmp_path, "quick") == 1


def test_a_mask_of_the_person_is_measured_by_label(cli: Cli, tmp_path: Path) -> None:
    scan, mask = head_ct(tmp_path), marker_mask(tmp_path)
    values = []
    for label in (1, 2):
        words = ["ask", scan, "What is the volume of the marked region?", "--mask", f"{mask}:{label}", "--json"]
        result = json.loads(cli(*words)[1])
        values.append(next(e["value"] for e in result["evidence"] if e["quantity"] == "volume"))
    assert values == [
        pytest.approx(HEAD_TRUTH["marker_left_ml"], rel=0.1),
        pytest.approx(HEAD_TRUTH["marker_right_ml"], rel=0.1),
    ]
