"""The tabs of the candidate's page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from archive.records import Attempt, Candidate, ModelReply, Note, StoredEvaluation
from archive.run_views import Score
from dashboard import inert, links, words
from dashboard.charts import candidate as charts
from dashboard.screens import parts
from dashboard.source import command
from dashboard.views import candidate as view
from dashboard.views import pairing
from evaluators.contract import FLOOR, Outcome

_SCORE = "%.4f"
_MAX_CALL_LINES = 400


def scores(own: Sequence[StoredEvaluation], reference: Sequence[StoredEvaluation], name: str) -> None:
    """Every evaluation, and the paired difference to the reference on the most telling equal instances."""
    if not own:
        st.info("This program has not been evaluated; it was stopped before, or its evaluation is under way.")
        return
    pairs = pairing.equal_pairs(own, reference)
    if pairs:
        titles = [f"{pair.title} ({pair.a.evaluation.seeds[:6]})" for pair in pairs]
        place = st.selectbox("Compared on", range(len(pairs)), format_func=titles.__getitem__)
        against(pairs[place], "this program", f"the {_other(name)}")
    elif reference:
        unequal(own, reference)
        _alone(own)
    else:
        _alone(own)
    parts.section("All evaluations")
    columns = {
        "score": st.column_config.NumberColumn(format=_SCORE),
        "cpu_s": st.column_config.NumberColumn("CPU s", format="%.2f"),
    }
    parts.table(view.evaluation_frame(own), columns)


def against(pair: pairing.Pair, name_a: str, name_b: str) -> None:
    """A paired difference: verdict, instances, regimes."""
    found = pairing.difference(pair)
    st.markdown(inert.markdown(pairing.verdict(name_a, name_b, found)))
    less = f"score, {name_a} less {name_b}"
    parts.chart(charts.paired_chart(pairing.instance_frame(pair), inert.cell(less)), f"Per instance: {less}")
    numbers = {name: st.column_config.NumberColumn(format=_SCORE) for name in ("a", "b")}
    numbers["difference"] = st.column_config.NumberColumn(format="%+.4f")
    left, right = st.columns(2)
    with left:
        st.caption(f"By regime; a is {name_a}, b is {name_b}; p adjusted for the number of regimes (Holm)")
        parts.table(pairing.regime_frame(pair), {**numbers, "p": st.column_config.NumberColumn(format="%.2g")})
    with right:
        st.caption("By instance")
        parts.table(pairing.instance_frame(pair), numbers)


def unequal(own: Sequence[StoredEvaluation], reference: Sequence[StoredEvaluation]) -> None:
    """Why two programs are not compared, and how they could be."""
    tasks = [pairing.task_names(stored) for stored in (own, reference)]
    if all(tasks) and not tasks[0] & tasks[1]:
        names = " and ".join(inert.markdown(", ".join(sorted(found))) for found in tasks)
        st.info(f"They are of different tasks, {names}: their scores do not compare.")
        return
    if not all(any(s.evaluation.outcome is Outcome.SCORED for s in stored) for stored in (own, reference)):
        st.info("One of the two was never scored, so there is no difference to judge.")
        return
    st.info("They were not scored on equal instances under equal conditions. This command evaluates both on such:")
    ids = " ".join(stored[0].candidate_id[:12] for stored in (own, reference))
    st.code(command(f"compare {ids}"), language="bash")


def source(candidate: Candidate, reference: Candidate | None, name: str) -> None:
    """The diff to the reference, and the program."""
    if reference is None:
        st.info("There is no other program to show the difference to.")
    else:
        text = view.diff_text(reference.source, candidate.source, f"{name} {reference.id[:10]}", candidate.id[:10])
        st.caption(f"Difference to the {_other(name)}")
        st.code(text or "The two programs are equal.", language="diff", wrap_lines=True)
    st.caption("Source")
    st.code(inert.shown(candidate.source), language="python", line_numbers=True)


def ancestry(
    candidate_id: str, path: Sequence[Attempt], children: Sequence[Attempt], found: Mapping[str, Score]
) -> None:
    """Up to the founder with the scores on the way, and down to the children."""
    parts.section("Ancestors")
    if path:
        frame = view.best_path_frame(path[0].parent_id, path, found)
        if frame["score"].notna().any():
            parts.chart(charts.path_chart(frame), "Search scores from the founder to this program")
        _steps(view.step_frame(list(reversed(path)), found), f"up {candidate_id}")
    else:
        st.info("A run began with this program, or it was evaluated by hand: it has no parent.")
    parts.section("Children")
    if children:
        st.caption(f"The newest {words.counted(len(children), 'attempt')} to change it")
        _steps(view.step_frame(children, found), f"down {candidate_id}")
    else:
        st.info("No attempt has changed this program yet.")


def calls(replies: Sequence[ModelReply]) -> None:
    """Prompts and replies with their price."""
    if not replies:
        st.info("No model was asked for this program.")
        return
    prices = {"price_usd": st.column_config.NumberColumn("price, USD", format="%.6f")}
    parts.table(view.reply_frame(replies), prices)
    for reply in replies:
        with st.expander(f"Call {reply.ordinal}: prompt and reply"):
            st.caption("Prompt")
            st.code(inert.shown(reply.prompt, _MAX_CALL_LINES), language=None, wrap_lines=True)
            st.caption("Reply")
            st.code(inert.shown(reply.reply, _MAX_CALL_LINES), language=None, wrap_lines=True)


def feedback(stored: Sequence[StoredEvaluation], notes: Sequence[Note]) -> None:
    """What the evaluator told the proposer, what failed, and what people remarked."""
    told = [s for s in stored if s.evaluation.feedback]
    if told:
        st.caption("What the proposer was told of it")
        st.code(inert.shown(told[-1].evaluation.feedback), language=None, wrap_lines=True)
    failures = view.failure_texts(stored)
    if failures:
        st.caption("Failures; these may be words of the program")
        st.code("\n".join(failures), language=None, wrap_lines=True)
    if notes:
        st.caption("Remarks")
        st.code("\n".join(inert.cell(f"{n.created_at}  {n.kind}: {n.text}", 400) for n in notes), language=None)
    if not (told or failures or notes):
        st.info("There is no feedback, failure or remark.")


def pictures(stored: Sequence[StoredEvaluation]) -> None:
    """The task's own tables, drawn as they ask to be."""
    shown = view.telling_evaluation(stored)
    if shown is None or not shown.evaluation.pictures:
        st.info("The evaluations of this program carry no pictures.")
        return
    st.caption(f"Of the evaluation on {shown.evaluation.split}, {shown.evaluation.tier} tier")
    for picture in shown.evaluation.pictures:
        frame = view.picture_frame(picture)
        title = view.picture_title(picture)
        st.markdown(inert.markdown(title))
        figure = charts.picture_chart(picture, frame, inert.cell(title), view.picture_labels(picture))
        if figure is None:
            parts.table(frame)
        else:
            parts.chart(figure, inert.cell(picture.name))


def environment(candidate_id: str, stored: Sequence[StoredEvaluation]) -> None:
    """Where the scores were made, and how to check them."""
    st.markdown("Archived scores can be played again on their seeds; this page runs nothing, the command does:")
    st.code(command(f"verify {candidate_id[:16]}"), language="bash")
    for place in _environments(stored):
        parts.table(place)


def _environments(stored: Sequence[StoredEvaluation]) -> list[pd.DataFrame]:
    """Each different environment once."""
    found: list[pd.DataFrame] = []
    for s in stored:
        frame = view.environment_frame(s.evaluation.environment)
        if not any(frame.equals(other) for other in found):
            found.append(frame)
    return found


def _other(name: str) -> str:
    """What the program that this one is compared with is called."""
    return {"another": "other program", "initial": "initial program"}.get(name, name)


def _alone(stored: Sequence[StoredEvaluation]) -> None:
    shown = view.telling_evaluation(stored)
    if shown is not None:
        title = f"Scores of its instances on {shown.evaluation.split}, {shown.evaluation.tier} tier"
        st.caption(title)
        frame = view.score_frame(shown.evaluation)
        parts.chart(charts.score_chart(frame), title)
        failed = int((frame["outcome"] != Outcome.SCORED).sum())
        if failed:
            st.caption(f"Crosses: {FLOOR:g} stands for a failed instance ({failed} of {len(frame)}).")


def _steps(frame: pd.DataFrame, key: str) -> None:
    columns = {
        "attempt": st.column_config.NumberColumn(width="small"),
        "island": st.column_config.NumberColumn(width="small"),
        "by": None,
        "operator": st.column_config.TextColumn(),
        "score": st.column_config.NumberColumn("search score", format=_SCORE),
        "ending": st.column_config.TextColumn(),
        "change": st.column_config.TextColumn(width="large"),
        "id": st.column_config.TextColumn(),
    }
    chosen = parts.program_table(frame, {name: c for name, c in columns.items() if c is not None}, key)
    if chosen:
        links.open_candidate(chosen)
