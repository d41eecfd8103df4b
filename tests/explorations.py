"""What two explorations of the same data must agree on, wherever they ran."""

import json

MEASURED_ANEW = {"fit_s", "score_us", "at", "report"}


def figures_of(folder):
    """Give all that was found, but for how long it took and when."""

    def strip(value):
        if isinstance(value, dict):
            return {k: strip(v) for k, v in value.items() if k not in MEASURED_ANEW}
        return [strip(each) for each in value] if isinstance(value, list) else value

    return {
        str(path.relative_to(folder)): strip(json.loads(path.read_text()))
        for path in [*folder.glob("results/*/*.json"), folder / "standings.json"]
    }
