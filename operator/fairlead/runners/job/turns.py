"""Whose turn it is to run: the Jobs that wait in each lane, and those that hold a slot of it.

A Job that cannot begin (quota, no node, no image) holds no slot but of its own namespace's share:
so no namespace keeps the others waiting, and none releases one after the other into a quota that is
used up. It may begin later without a slot.
"""

from collections.abc import Collection, Iterable, Mapping

from fairlead.contract import LANES, TaskPhase, TaskState
from fairlead.desired.task_job import TaskDraft
from fairlead.diagnosis.task_job import is_final
from fairlead.job_evidence import JobEvidence
from fairlead.runners.job.plan import Key, key_of
from fairlead.runners.lanes import Lane
from fairlead.settings import Settings


class Turns:
    def __init__(self, settings: Settings) -> None:
        most = settings.namespace_tasks_at_once
        self._lanes = {name: Lane(getattr(settings, name), most) for name in set(LANES.values())}
        self._lane_of: dict[Key, Lane] = {}  # of those that wait, or hold a slot

    def update(
        self, drafts: Mapping[Key, TaskDraft], seen: Iterable[tuple[JobEvidence, TaskState]]
    ) -> None:
        """Take in how everything stands, then give out the free slots."""
        there = set[Key]()
        for job, state in seen:
            key, lane = key_of(job), self._lanes[LANES[job.program]]
            if job.leaving or is_final(state):
                continue
            if state.phase is TaskPhase.QUEUED and key in drafts and not job.taken:
                there.add(key)
                self._line_up(key, lane, again=state.failure is not None)
            elif state.phase is TaskPhase.RUNNING:
                there.add(key)
                self._hold(key, lane, begun=state.failure is None)
        for key in self._lane_of.keys() - there:
            self._lane_of.pop(key).remove(_identifier(key))
        for lane in self._lanes.values():
            lane.begin()

    def given(self) -> Collection[Key]:
        """Those that hold a slot."""
        return {key for key, lane in self._lane_of.items() if lane.holds(_identifier(key))}

    def position(self, key: Key) -> int | None:
        """The place of a task that waits; None for one that does not, or not yet."""
        lane = self._lane_of.get(key)
        return lane.position(_identifier(key)) if lane else None

    def position_of_new(self, program: str, namespace: str) -> int:
        return self._lanes[LANES[program]].position_of_new(namespace)

    def _line_up(self, key: Key, lane: Lane, *, again: bool) -> None:
        """Once; one that could not be released goes to the end of the line."""
        if again:
            lane.remove(_identifier(key))
        if again or key not in self._lane_of:
            self._lane_of[key] = lane
            lane.add(_identifier(key), key[0])

    def _hold(self, key: Key, lane: Lane, *, begun: bool) -> None:
        self._lane_of[key] = lane
        (lane.hold if begun else lane.hold_up)(_identifier(key), key[0])


def _identifier(key: Key) -> str:
    return "/".join(key)
