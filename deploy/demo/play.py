"""`i2pcc demo`: the main job from nothing, told off the topics as it happens."""

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx
from aiokafka import AIOKafkaConsumer
from rich.table import Table

from deploy import interrupts
from deploy.demo.compose import Compose
from deploy.demo.models import Sample
from deploy.demo.sample import SHIPPED, SampleError, load
from deploy.demo.story import Storyteller
from deploy.demo.telling import key, tell
from deploy.embedded import state
from deploy.embedded.platform import Platform
from deploy.problems import Problem
from deploy.screen import Screen, console, show_addresses
from deploy.settings import Settings, read
from deploy.stage import Stage
from deploy.waiting import until
from shared.bus import decode
from shared.events import CATALOG, Event, MatchDeclined, MatchFacts, MatchIntroduced, MatchPresented

RUNNING = "Stop it with Ctrl-C where it runs. If that is gone: i2pcc down"
PATIENCE = 60.0
"""Seconds that any one step may take."""


def demo(*, once: bool, data: Path | None, compose: bool = False) -> None:
    """Play a sample, here or on Docker; ends by itself if `once`, else at Ctrl-C. Leaves no process behind."""
    try:
        sample = load(data or SHIPPED)
    except SampleError as error:
        raise Problem(str(error), "The format is described in deploy/demo/sample/README.md.", code=2) from None
    home = read(Settings)
    state.prepare(home.state)
    with state.alone(home.state, "A demo is running here already.", RUNNING, lock="demo.lock"):
        interrupts.run(_run(sample, home.within("demo"), once, compose))


async def _run(sample: Sample, settings: Settings, once: bool, compose: bool) -> None:
    platform = await _started_on_docker(settings) if compose else await _started_here(settings)
    try:
        async with httpx.AsyncClient(timeout=30) as http, Audience(platform.kafka_servers) as audience:
            story = Storyteller(sample, platform, http)
            await _play(story, audience)
            await _check_mailbox(story, platform, http)
            console.print(_table(story, audience))
        show_addresses(platform, "Where to look:", "Closing, as ONCE asks." if once else "Stop with Ctrl-C.")
        if not once:
            await _until_told(platform)
    finally:
        await platform.stop()


async def _started_here(settings: Settings) -> Stage:
    with Screen() as screen:
        platform = Platform(settings, screen)
        await platform.stop(wipe=True)
        await platform.start()
    return platform


async def _started_on_docker(settings: Settings) -> Stage:
    stack = Compose(settings)
    await stack.start()
    return stack


async def _until_told(platform: Stage) -> None:
    """Stay up until Ctrl-C, which is how a demo ends well, or until something ends by itself."""

    async def something_ended() -> bool:
        return isinstance(platform, Platform) and bool(platform.missing())

    with suppress(asyncio.CancelledError):
        await until(something_ended, math.inf, interval=1)
        raise Problem("Something ended by itself, or was stopped from elsewhere.", "i2pcc status says what runs.")


async def _play(story: Storyteller, audience: "Audience") -> None:
    await story.arrive()
    await story.post_needs()
    await story.submit_proposals()
    told = story.sample.story
    accept, decline = (story.pair(p.need, p.proposal) for p in (told.accept, told.decline))
    for pair in (accept, decline):
        await audience.hears("a match that the story answers", lambda e, p=pair: _is(e, MatchPresented, p))  # type: ignore[misc]
    by = {need.key: need.by for need in story.sample.needs}
    await story.answer(audience.matches[accept].model_dump(mode="json"), by[told.accept.need])
    await story.answer(
        audience.matches[decline].model_dump(mode="json"), by[told.decline.need], reason=told.decline.reason
    )
    await audience.hears("the refusal", lambda e: _is(e, MatchDeclined, decline))
    await audience.hears("the introduction", lambda e: _is(e, MatchIntroduced, accept))


def _is(event: Event, kind: type[MatchFacts], pair: tuple[str, str]) -> bool:
    return isinstance(event, kind) and key(event) == pair


async def _check_mailbox(story: Storyteller, platform: Stage, http: httpx.AsyncClient) -> None:
    """The introduction is in both mailboxes, or the demo has failed."""
    told = story.sample.story.accept
    by = [n.by for n in story.sample.needs if n.key == told.need]
    by += [p.by for p in story.sample.proposals if p.key == told.proposal]
    expected = {story.sample.person(handle).mail for handle in by}
    mails = (await http.get(f"{platform.urls['mailbox']}/messages")).json()
    got = {mail["to"] for mail in mails if mail["subject"].startswith("Introduction")}
    if not expected <= got:
        raise Problem("The introduction did not reach both mailboxes.", "See the log of notify.")
    console.print(f"[green]✉ The introduction reached both mailboxes: {', '.join(sorted(expected))}[/]")


def _table(story: Storyteller, audience: "Audience") -> Table:
    titles = {need["need_id"]: need["title"] for need in story.needs.values()}
    titles |= {proposal["proposal_id"]: proposal["title"] for proposal in story.proposals.values()}
    table = Table("region", "need", "proposal", "score", "state", "reasons", show_lines=True)
    for match in sorted(audience.matches.values(), key=lambda match: -match.score):
        need, proposal = (titles.get(side, "?") for side in key(match))
        reasons = "\n".join(match.reasons)
        table.add_row(match.region.title(), need, proposal, f"{match.score:.2f}", match.state.value, reasons)
    return table


class Audience:
    """Listens to the topics, prints what happens, and knows what it has heard."""

    def __init__(self, servers: str) -> None:
        self.matches: dict[tuple[str, str], MatchFacts] = {}
        self._heard: list[Event] = []
        topics = {kind.topic for kind in CATALOG.values() if not kind.personal}
        self._consumer = AIOKafkaConsumer(*topics, bootstrap_servers=servers, auto_offset_reset="earliest")

    async def __aenter__(self) -> "Audience":
        await self._consumer.start()
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listening.cancel()
        await self._consumer.stop()

    async def hears(self, what: str, wanted: Callable[[Event], bool]) -> None:
        """Wait until such an event was heard.

        Raises:
            Problem: it was not, in time.
        """

        async def heard() -> bool:
            return any(wanted(event) for event in self._heard)

        if not await until(heard, PATIENCE):
            raise Problem(f"After {PATIENCE:.0f} s nothing was heard of {what}.", "See the services' logs.")

    async def _listen(self) -> None:
        async for record in self._consumer:
            event = decode(record)
            self._heard.append(event)
            if isinstance(event, MatchFacts):
                self.matches[key(event)] = event
            if sentence := tell(event):
                console.print(f"  {event.envelope.time:%H:%M:%S}  {sentence}")
