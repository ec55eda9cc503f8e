"""`i2pcc demo`: the main job from nothing, told off the topics as it happens."""

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from rich.text import Text

from deploy import interrupts
from deploy.demo.audience import Audience
from deploy.demo.compose import Compose
from deploy.demo.models import Sample
from deploy.demo.sample import SHIPPED, SampleError, load
from deploy.demo.story import PATIENCE, Storyteller
from deploy.demo.telling import Teller, explained, key
from deploy.embedded import state
from deploy.embedded.platform import Platform
from deploy.problems import Problem
from deploy.screen import Screen, columns, console, heading, show_addresses, show_moment
from deploy.settings import Settings, read
from deploy.stage import Stage
from deploy.waiting import until
from shared.events import (
    Direction,
    Event,
    MatchDeclined,
    MatchFacts,
    MatchIntroduced,
    MatchPresented,
    Outcome,
    OutcomeReported,
)
from shared.vocabulary import company_id

LISTENER = "portal"
"""Whose rights the demo listens with: it reads everything that is no personal data."""
RUNNING = "Stop it with Ctrl-C where it runs. If that is gone: i2pcc down"


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
        async with httpx.AsyncClient(timeout=30) as http, Audience(platform.kafka(LISTENER)) as audience:
            story = Storyteller(sample, platform, http)
            await _play(story, audience)
            told = story.sample.story.accept
            introduced = audience.teller.matches[story.pair(told.need, told.proposal)]
            await _check_mailbox(story, introduced)
            _show_matches(story, audience.teller)
        if isinstance(platform, Platform):
            heading("How the introduction came about, step by step")
            console.print(f"i2pcc trace {introduced.match_id}")
        show_addresses(platform, "Where to look", "Closing, as ONCE asks." if once else "Stop with Ctrl-C.")
        if not once:
            await _until_told(platform)
    finally:
        with console.status("Stopping ..."):
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


async def _play(story: Storyteller, audience: Audience) -> None:
    """Each part is heard before the next one begins, so that it reads as one story."""
    heading("Companies join")
    await story.arrive()
    numbers = (company.enterprise_number for company in story.sample.companies)
    await audience.hears_of("the companies", map(company_id, numbers))
    await story.look_first()
    heading("The tour of 2019 brings questions home")
    await story.travel(Direction.OUTGOING)
    await audience.hears_of("the mission", (mission["mission_id"] for mission in story.missions.values()))
    heading("Regions say what they need")
    await story.post_needs()
    await audience.hears_of("the needs", (need["need_id"] for need in story.needs.values()))
    heading("Companies propose what they can do, and matches are found")
    await story.submit_proposals()
    for part, company in story.suggested:
        show_moment(datetime.now(UTC), f"{company} was suggested, and invited by mail, for: {part}")
    await audience.hears_of("the proposals", (sent["proposal_id"] for sent in story.proposals.values()))
    await _hear_matches(story, audience)
    heading("A coordinator chooses, two regions answer")
    await _decide(story, audience)
    heading("The region visits Flanders, and it leads to something")
    await _meet(story, audience)


async def _hear_matches(story: Storyteller, audience: Audience) -> None:
    told = story.sample.story
    for pair in (story.pair(p.need, p.proposal) for p in (told.accept, told.decline)):
        await audience.hears("a match that the story answers", lambda e, p=pair: _is(e, MatchPresented, p))  # type: ignore[misc]
    await audience.hears_matches({story.pair(pair.need, pair.proposal) for pair in told.expected})


async def _decide(story: Storyteller, audience: Audience) -> None:
    """A coordinator lets a match through; a region looks closer and accepts; another declines."""
    told, matches = story.sample.story, audience.teller.matches
    chosen, accept, decline = (story.pair(p.need, p.proposal) for p in (told.shortlist, told.accept, told.decline))
    by = {need.key: need.by for need in story.sample.needs}
    await story.shortlist(matches[chosen].model_dump(mode="json"))
    await audience.hears("the coordinator's choice", lambda e: _is(e, MatchPresented, chosen))
    match = matches[accept].model_dump(mode="json")
    shown = await story.look_closer(match, by[told.accept.need])
    show_moment(datetime.now(UTC), f"{match['region'].title()} shows interest, and may read more: {_details(shown)}")
    for line in explained(await story.explain(match, by[told.accept.need])):
        show_moment(datetime.now(UTC), line, "dim")
    await story.answer(match, by[told.accept.need])
    await audience.hears("the introduction", lambda e: _is(e, MatchIntroduced, accept))
    await story.answer(matches[decline].model_dump(mode="json"), by[told.decline.need], reason=told.decline.reason)
    await audience.hears("the refusal", lambda e: _is(e, MatchDeclined, decline))


def _details(shown: dict[str, Any]) -> str:
    """What a region learns once it has shown interest; not yet who proposes it."""
    details = shown["details"]
    maturity = f"TRL {details['maturity']['trl']}" if details["maturity"] else ""
    return ", ".join(filter(None, (maturity, details["scale"]))) or details["title"]


async def _meet(story: Storyteller, audience: Audience) -> None:
    """The region comes to Flanders, sees what it was told of, and both tell what came of it."""
    accept = story.pair(story.sample.story.accept.need, story.sample.story.accept.proposal)
    await story.travel(Direction.INCOMING)
    await audience.hears_of("the visit", (mission["mission_id"] for mission in story.missions.values()))
    await story.link_visit(audience.teller.matches[accept].model_dump(mode="json"))
    for report in story.sample.story.outcomes:
        await story.report(audience.teller.matches[accept].model_dump(mode="json"), report)
        await audience.hears("what came of it", _reported(accept, report.outcome))


def _reported(pair: tuple[str, str], outcome: Outcome) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, OutcomeReported) and key(event) == pair and event.outcome is outcome


def _is(event: Event, kind: type[MatchFacts], pair: tuple[str, str]) -> bool:
    return isinstance(event, kind) and key(event) == pair


async def _check_mailbox(story: Storyteller, match: MatchFacts) -> None:
    """The introduction and the meeting are in both parties' mailboxes, or the demo has failed."""
    told = story.sample.story.accept
    handles = [n.by for n in story.sample.needs if n.key == told.need]
    handles += [p.by for p in story.sample.proposals if p.key == told.proposal]
    parties = [story.sample.person(handle).mail for handle in handles]
    for what in ("introduction", "meeting"):

        async def arrived(what: str = what) -> bool:
            deliveries = await story.operator().read("notify", f"/matches/{match.match_id}/deliveries")
            sent = {f"<{mail['delivery_id']}@i2pcc.local>" for mail in deliveries if mail["template"] == what}
            got = [{mail["message_id"] for mail in await story.mails(party)} & sent for party in parties]
            return all(got)

        if not await until(arrived, PATIENCE):
            raise Problem(f"The {what} did not reach both mailboxes.", "See the log of notify.")
        console.print(f"[green]✉ The {what} is in both mailboxes: {' and '.join(sorted(parties))}[/]")


def _show_matches(story: Storyteller, teller: Teller) -> None:
    """Every match of this play with its reasons, best first, and how they agree with what people would match."""
    posted = {need["need_id"] for need in story.needs.values()}
    mine = {pair: match for pair, match in teller.matches.items() if pair[0] in posted}
    heading("Matches, as the topics tell them")
    rows = columns()
    for match in sorted(mine.values(), key=lambda match: -match.score):
        rows.add_row(
            f"[bold]{match.score:.2f}[/] {match.region.title()}\n{match.state}",
            Text.assemble(
                (f"{teller.title(match.need_id)}\n", "bold"),
                f"{teller.lead(match)}: {teller.title(match.proposal_id)}\n",
                ("".join(f"· {reason}\n" for reason in match.reasons), "dim"),
            ),
        )
    console.print(rows)
    expected = {story.pair(pair.need, pair.proposal) for pair in story.sample.story.expected}
    found, others = len(expected & mine.keys()), len(mine.keys() - expected)
    console.print(f"People would match {len(expected)} pairs: {found} of them were found, and {others} others.")
