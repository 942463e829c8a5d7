"""The real LiteLLM proxy in place of its stand-in: a program of this machine, run in the stack's own container."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from .stack import Stack

WORDS = "This is what the model says: <b>5 > 3</b> & more."
# Answers without any model and without the internet; the second one always refuses.
CONFIG = {
    "model_list": [
        {"model_name": "llama3", "litellm_params": {"model": "openai/mock", "api_key": "none", "mock_response": WORDS}},
        {
            "model_name": "refuses",
            "litellm_params": {"model": "openai/mock", "api_key": "none", "mock_response": "litellm.RateLimitError"},
        },
    ],
    "litellm_settings": {"num_retries": 0},
    "general_settings": {"master_key": "os.environ/LITELLM_MASTER_KEY"},
}
OFFLINE = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False", "HF_HUB_OFFLINE": "1", "HOME": "/tmp"}


def with_real_litellm(stack: Stack, folder: Path) -> Stack:
    """Have a stack that was not started yet run LiteLLM from `folder` (what `litellm.sh` prints)."""
    base = subprocess.run(
        [folder / "bin" / "python", "-c", "import sys; print(sys.base_prefix)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    mounts = dict.fromkeys(["/usr", "/lib", "/lib64", *([] if base == "/usr" else [base]), str(folder)])
    yaml = YAML()
    file: dict[str, Any] = yaml.load(stack.compose_file)
    service = file["services"]["litellm"]
    service["command"] = [
        f"{folder}/bin/python",
        f"{folder}/bin/litellm",
        "--config",
        "/conf/litellm_config.yaml",
        "--port",
        "4000",
    ]
    service["volumes"] = [*(f"{path}:{path}:ro" for path in mounts if Path(path).exists()), "./conf/litellm:/conf:ro"]
    service["environment"] = OFFLINE
    service["mem_limit"] = "1g"
    del service["depends_on"]
    yaml.dump(file, stack.compose_file)
    yaml.dump(CONFIG, stack.directory / "conf/litellm/litellm_config.yaml")
    env_file = stack.directory / "env/litellm.env"
    kept = [line for line in env_file.read_text().splitlines() if not line.startswith("DATABASE_URL")]
    env_file.write_text("\n".join(kept) + "\n")
    return stack
