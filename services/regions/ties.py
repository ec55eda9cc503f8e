"""The regions, and their long-standing ties with provinces, over HTTP."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field
from sqlmodel import col, func, select

from services.regions.models import Need, Ties
from shared.auth import NetworkCoordinator
from shared.http import Draft, Session, commands, queries
from shared.lives import check_version
from shared.vocabulary import COORDINATED, Province, Region

write = commands()
read = queries()


def _provinces(names: tuple[Province, ...]) -> tuple[Province, ...]:
    if not {*names} <= {*COORDINATED}:
        raise ValueError(f"must be {', '.join(COORDINATED)}")
    return tuple(sorted(set(names)))


class TiesDraft(Draft):
    """All provinces that a region has ties with. `version` is the one that the caller has read."""

    version: int
    provinces: Annotated[tuple[Province, ...], Field(max_length=10), AfterValidator(_provinces)]


class TiesView(BaseModel):
    """A region's ties."""

    region: Region
    version: int
    """Counts the changes of its ties."""
    provinces: tuple[Province, ...]
    """Those that it has ties with."""


class RegionView(TiesView):
    """A region, how it stands with the provinces, and how many of its needs are open."""

    open_needs: int


@read.get("/regions")
async def list_regions(db: Session) -> list[RegionView]:
    """Every region with the provinces that it has ties with, and how many of its needs are open."""
    ties = {row.region: row for row in await db.scalars(select(Ties))}
    counts = select(Need.region, func.count()).where(col(Need.closed).is_(False)).group_by(col(Need.region))
    needs = {region: count for region, count in await db.execute(counts)}
    held = (ties.get(region) or Ties(region=region, provinces=[]) for region in Region)
    return [RegionView(open_needs=needs.get(row.region, 0), **row.model_dump()) for row in held]


@write.put("/regions/{region}/ties")
async def tie(region: Region, draft: TiesDraft, caller: NetworkCoordinator, db: Session) -> TiesView:
    """Say which provinces a region has ties with: all of them."""
    ties = await db.get(Ties, region, with_for_update=True) or Ties(region=region, provinces=[])
    check_version("region's list of ties", ties.version, draft.version)
    ties.provinces = list(draft.provinces)
    ties.version += 1
    db.add(ties)
    return TiesView.model_validate(ties.model_dump())
