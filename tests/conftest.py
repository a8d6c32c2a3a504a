"""Hypothesis profiles, many draws if asked for; a picture for the command line."""

from __future__ import annotations

import gc
import os

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

# Compilers make many objects and few cycles: looking for those is a tenth of the time.
gc.set_threshold(50_000, 20, 20)

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
settings.register_profile("default", max_examples=4, deadline=None, suppress_health_check=SLOW)
settings.register_profile("many", max_examples=500, deadline=None, suppress_health_check=SLOW)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture
def photo(tmp_path):
    """An RGB picture and its values as CHW."""
    Image = pytest.importorskip("PIL.Image")
    values = np.random.default_rng(0).integers(0, 256, (24, 31, 3), dtype=np.uint8)
    Image.fromarray(values).save(tmp_path / "photo.png")
    return tmp_path / "photo.png", values.transpose(2, 0, 1)
