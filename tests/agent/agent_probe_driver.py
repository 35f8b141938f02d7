"""Runs a plan file with the probe tools: python agent_probe_driver.py HOME PLAN STUDY. A process to be killed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from agent_examples import PROBES, settings
from scanwright.agent.plan.plan import load_plan
from scanwright.agent.workbench import Workbench

if __name__ == "__main__":
    home, plan, study = sys.argv[1:]
    with Workbench(home, settings=settings(), extra_modules=[PROBES]) as workbench:
        result = workbench.run_plan(load_plan(Path(plan)), [study])
    print(json.dumps({"run_id": result.run_id, "status": result.status}))
