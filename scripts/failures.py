"""Which tests failed in the last run of pytest, one name a line, as pytest keeps them for `--last-failed`.

python -m scripts.failures FOLDER   FOLDER: that run's `cache_dir`
"""

import json
import sys
from pathlib import Path


def failures(folder: Path) -> list[str]:
    """Node ids of tests, and paths of files that could not be read; none where nothing is kept."""
    try:
        kept = json.loads((folder / "v/cache/lastfailed").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return list(kept)


if __name__ == "__main__":
    sys.stdout.writelines(f"{name}\n" for name in failures(Path(sys.argv[1])))
