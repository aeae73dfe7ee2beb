import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from monopose.data.context import Context
from monopose.inference.confidence import frame_weights, newest_confidence, seen_confidence

CONTEXTS = [Context(0, 0), Context(1, 1), Context(4, 4), Context(3, 0), Context(64, 0)]
SCORES = arrays.arrays(
    np.float32, st.tuples(st.integers(1, 12), st.just(3)), elements=st.floats(0, 1, width=32)
)


@pytest.mark.parametrize("context", CONTEXTS)
def test_weights_sum_to_one_and_fall_on_both_sides(context: Context) -> None:
    weights = frame_weights(context)
    assert len(weights) == context.frames
    assert weights.sum() == pytest.approx(1.0)
    assert (np.diff(weights[: context.before + 1]) > 0).all()
    assert (np.diff(weights[context.before :]) < 0).all()
    assert (weights > 0).all()


@pytest.mark.parametrize("context", CONTEXTS)
def test_it_is_one_where_all_was_seen_and_zero_where_nothing_was(context: Context) -> None:
    inside = slice(context.before, 200 - context.after)
    np.testing.assert_allclose(seen_confidence(np.ones((200, 4)), context)[inside], 1, atol=1e-6)
    assert (seen_confidence(np.zeros((200, 4)), context) == 0).all()
    assert (seen_confidence(np.full((200, 4), 7.0), context) <= 1).all()


def test_by_hand_for_three_frames_and_two_joints() -> None:
    """Weights 1/4, 1/2, 1/4. Joint 0 is seen in frames 0 and 1, joint 1 in frame 2."""
    score = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    around = np.array([[0.75, 0.0], [0.75, 0.25], [0.25, 0.5]])
    evidence = (score + around) / 2
    expected = (evidence + evidence.mean(axis=1, keepdims=True)) / 2
    np.testing.assert_allclose(seen_confidence(score, Context(1, 1)), expected, atol=1e-6)


@settings(deadline=None, max_examples=80)
@given(SCORES, st.data())
def test_losing_a_keypoint_never_raises_any_confidence(
    score: np.ndarray, data: st.DataObject
) -> None:
    context = data.draw(st.sampled_from(CONTEXTS))
    frame = data.draw(st.integers(0, len(score) - 1))
    joint = data.draw(st.integers(0, 2))
    less = score.copy()
    less[frame, joint] = 0
    before, after = seen_confidence(score, context), seen_confidence(less, context)
    assert (after <= before + 1e-6).all()
    assert (before >= 0).all()
    assert (before <= 1).all()
    if score[frame, joint] > 1e-3:
        assert after[frame, joint] < before[frame, joint]


def test_a_gap_is_said_in_its_middle_and_one_frame_alone_is_worth_less_than_a_sequence() -> None:
    score = np.ones((100, 3))
    score[40:60] = 0
    confidence = seen_confidence(score, Context(4, 4))
    assert (confidence[44:56] == 0).all()
    assert confidence[:31][4:] == pytest.approx(1.0)
    assert 0.5 < seen_confidence(np.ones((1, 3)), Context(4, 4))[0, 0] < 0.7


def test_the_newest_frames_alone_is_that_of_the_sequence() -> None:
    score = np.random.default_rng(0).random((9, 5))
    context = Context(3, 0)
    whole = seen_confidence(score, context)
    for frame in range(9):
        window = np.zeros((4, 5))
        past = score[max(0, frame - 3) : frame + 1]
        window[4 - len(past) :] = past
        np.testing.assert_allclose(newest_confidence(window, context), whole[frame], atol=1e-6)


def test_many_sequences_at_once_are_each_its_own() -> None:
    score = np.random.default_rng(5).random((3, 9, 4))
    context = Context(3, 2)
    together = seen_confidence(score, context)
    np.testing.assert_allclose(together, [seen_confidence(s, context) for s in score], atol=1e-7)
