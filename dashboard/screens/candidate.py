"""One program: its source, where it came from, and what its scores are worth."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from archive import queries, run_views, views
from archive.records import Attempt, Candidate, Founder, ModelReply, Note, StoredEvaluation
from archive.run_views import Score
from archive.store import Archive
from dashboard import inert, links, words
from dashboard.screens import candidate_parts as parts_of
from dashboard.screens import parts
from dashboard.source import reading

_SHOWN_STEPS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A program and where it came from."""

    candidate: Candidate
    maker: Attempt | None
    foundings: list[Founder]

    @property
    def run_id(self) -> str | None:
        """The run that its ancestry is of."""
        if self.maker is not None:
            return self.maker.run_id
        return self.foundings[-1].run_id if self.foundings else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """Everything that the page shows, read in one go."""

    candidate: Candidate
    maker: Attempt | None
    foundings: list[Founder]
    run_id: str | None  # that its ancestry is of
    path: list[Attempt]
    children: list[Attempt]
    scores: dict[str, Score]
    evaluations: list[StoredEvaluation]
    reference: Candidate | None  # the program it is compared with
    reference_name: str
    reference_evaluations: list[StoredEvaluation]
    replies: list[ModelReply]
    notes: list[Note]


def page() -> None:
    """The program that the URL names."""
    parts.heading("Candidate", "One program: source, ancestry, scores against its parent, and what was paid for it.")
    wanted = links.queried_candidates()
    parts.warn_unknown("program", links.strange_candidates())
    left, right = st.columns([3, 2])
    typed = left.text_input("Program", wanted[0] if wanted else "", placeholder="the first letters of its id")
    if typed and typed not in wanted:
        links.remember("id", typed)
        wanted = [typed]
    if not wanted:
        st.info("Type the first letters of a program's id, or choose one on the leaderboard.")
        st.page_link(links.page(links.PageName.LEADERBOARD), label="To the leaderboard")
        return
    with reading() as archive:
        origin = _origin(archive, archive.candidate(wanted[0]))
        with right:
            against = _against(_references(archive, origin))
        found = _dossier(archive, origin, against)
    _head(found)
    _tabs(found)
    parts.footer()


def _origin(archive: Archive, candidate: Candidate) -> Origin:
    foundings = views.foundings(archive, candidate.id)
    return Origin(candidate=candidate, maker=views.maker(archive, candidate.id), foundings=foundings)


def _references(archive: Archive, origin: Origin) -> dict[str, str]:
    """The programs to compare with that its run knows, by name."""
    found = {"parent": origin.maker.parent_id} if origin.maker else {}
    if origin.run_id is not None:
        found["initial"] = archive.founders(origin.run_id)[0].candidate_id
    return {name: id_ for name, id_ in found.items() if id_ != origin.candidate.id}


def _against(references: dict[str, str]) -> tuple[str, str]:
    """What the program is compared with: a name and an id, empty for nothing."""
    names = [*references, "another"]
    choice = st.segmented_control("Compare with", names, default=names[0] if references else None)
    if choice != "another":
        name = choice or next(iter(references), "another")
        return name, references.get(name, "")
    typed = st.text_input("The other program's id", next(iter(links.queried_candidates("against")), ""))
    if typed:
        links.remember("against", typed)
    return "another", typed


def _dossier(archive: Archive, origin: Origin, against: tuple[str, str]) -> Dossier:
    candidate, maker, run_id = origin.candidate, origin.maker, origin.run_id
    path = queries.lineage(archive, run_id, candidate.id)[-_SHOWN_STEPS:] if run_id else []
    children = views.children(archive, run_id, candidate.id) if run_id else []
    ids = [candidate.id, *(id_ for step in (*path, *children) for id_ in (step.parent_id, step.candidate_id) if id_)]
    name, reference_id = against
    reference = archive.candidate(reference_id) if reference_id else None
    return Dossier(
        candidate=candidate,
        maker=maker,
        foundings=origin.foundings,
        run_id=run_id,
        path=path,
        children=children,
        scores=run_views.search_scores(archive, run_id, ids) if run_id else {},
        evaluations=archive.evaluations(candidate.id),
        reference=reference,
        reference_name=name,
        reference_evaluations=archive.evaluations(reference.id) if reference else [],
        replies=archive.replies(maker.run_id, maker.index) if maker else [],
        notes=archive.notes(candidate_id=candidate.id),
    )


def _head(found: Dossier) -> None:
    st.code(found.candidate.id, language=None)
    if found.maker is not None:
        maker = found.maker
        place = f"Attempt {maker.index} of run {maker.run_id}, island {maker.island}"
        st.markdown(inert.markdown(f"{place}, by {maker.proposer} ({maker.operator})"))
        if maker.change:
            st.text(inert.cell(maker.change, 400))
        if maker.twin_id is not None:
            st.markdown(f"It behaves as {inert.markdown(maker.twin_id[:10])}, whose search score it takes over.")
    elif found.foundings:
        founder = found.foundings[-1]
        st.markdown(
            inert.markdown(
                f"{founder.name}: the {founder.role} program of {words.counted(len(found.foundings), 'run')}"
            )
        )
    else:
        st.markdown("Evaluated by hand; no run made it.")
    with st.container(horizontal=True):
        if found.run_id is not None:
            links.run_link(found.run_id)
        if found.maker is not None:
            links.candidate_link(found.maker.parent_id, "Its parent")
            links.compare_link([found.candidate.id, found.maker.parent_id], "Compare with its parent")
        if found.maker is not None and found.maker.twin_id is not None:
            links.candidate_link(found.maker.twin_id, "The program it behaves as")


def _tabs(found: Dossier) -> None:
    names = ["Scores", "Source and diff", "Ancestry", "Model calls", "Feedback and failures", "Pictures", "Environment"]
    scores, source, ancestry, calls, feedback, pictures, environment = st.tabs(names)
    with scores:
        parts_of.scores(found.evaluations, found.reference_evaluations, found.reference_name)
    with source:
        parts_of.source(found.candidate, found.reference, found.reference_name)
    with ancestry:
        parts_of.ancestry(found.candidate.id, found.path, found.children, found.scores)
    with calls:
        parts_of.calls(found.replies)
    with feedback:
        parts_of.feedback(found.evaluations, found.notes)
    with pictures:
        parts_of.pictures(found.evaluations)
    with environment:
        parts_of.environment(found.candidate.id, found.evaluations)
