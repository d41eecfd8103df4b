"""What competes in the gate? A model that serves, and the twin that is judged in its place.

What serves has learnt from all that was known, the newest orders among it; on those any such model
looks good, and no two can be compared. Its twin has not seen them (docs/adr/0012).
"""

from pathlib import Path
from typing import NamedTuple

from push_model.model.scoring import Model
from push_model.store.folder import LoadedModel, read_manifest, read_model

VALIDATED_FILE = "validated.json"


class Contender(NamedTuple):
    """One model folder, as the gate needs it.

    Attributes
    ----------
    loaded : LoadedModel
        What serves, or would.
    twin : Model
        What is judged; the model itself where its folder holds no twin.
    """

    loaded: LoadedModel
    twin: Model


def read_contender(folder: Path | str) -> Contender:
    """Read both models of a folder, each only if its bytes are those that were saved."""
    loaded = read_model(folder)
    has_twin = VALIDATED_FILE in read_manifest(folder)["files"]
    return Contender(
        loaded, read_model(folder, file=VALIDATED_FILE).model if has_twin else loaded.model
    )
