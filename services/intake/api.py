"""Intake over HTTP: companies. Their people, proposals, drafts, consortia, invitations have modules of their own."""

from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlalchemy import ColumnElement
from sqlmodel import col, select

from services.intake.models import Company
from services.intake.rules import normal_number
from shared.auth import Caller, CompanyOrCoordinator
from shared.auth import Company as CompanyCaller
from shared.db import Db, fetch
from shared.events import CompanyFacts, CompanyRegistered, CompanyRevised
from shared.http import Draft, Page, Session, commands, queries
from shared.lives import check_version
from shared.outbox import said
from shared.problems import conflict, invalid, not_found
from shared.vocabulary import Challenges, Language, Province, Role, Short, Title, company_id, storable, trimmed

PROVINCES = """
    select company_id, province from company where company_id = any($1::uuid[]) and ($2::uuid is null or exists (
        select from contact c where c.contact_id = $2 and c.company_id = ($1::uuid[])[1]))
"""

write = commands()
read = queries()


class StrongholdDraft(Draft):
    """Something that a company is known to be good at."""

    title: Title
    challenges: Challenges


class BusinessCaseDraft(Draft):
    """One entry of a proven track record."""

    what: Short
    where: Title
    year: Annotated[int, Field(ge=1900, le=2100)]
    result: Short


class CompanyProfile(Draft):
    """What a company says of itself."""

    name: Short
    province: Province
    languages: Annotated[tuple[Language, ...], Field(min_length=1, max_length=3)]
    strongholds: Annotated[tuple[StrongholdDraft, ...], Field(max_length=20)] = ()
    business_cases: Annotated[tuple[BusinessCaseDraft, ...], Field(max_length=20)] = ()
    suggestible: bool = False


class CompanyDraft(CompanyProfile):
    """A company, as it presents itself."""

    enterprise_number: Annotated[str, trimmed(20), storable]


class CompanyRevision(CompanyProfile):
    """What a company says of itself now. `version` is the one that the caller has read."""

    version: int


class CompanyShown(CompanyFacts, abstract=True):
    """A company, and who looks after it."""

    coordinator: str
    """The organisation whose coordinators look after it: a province, or `cleantech_flanders`."""


@write.post("/companies", status_code=201)
async def register_company(draft: CompanyDraft, caller: CompanyCaller, db: Session) -> CompanyRegistered:
    """Register the caller's own company."""
    number = normal_number(draft.enterprise_number)
    if company_id(number) != caller.company_id:
        raise invalid("body.enterprise_number", "is not that of the company you are signed in for")
    if await db.get(Company, caller.company_id):
        raise conflict("This company is registered already.")
    company = Company(company_id=caller.company_id, **draft.model_dump(mode="json") | {"enterprise_number": number})
    db.add(company)
    return said(db, CompanyRegistered, company)


@write.put("/companies/{company_id}")
async def revise_company(
    company_id: UUID, draft: CompanyRevision, caller: CompanyCaller, db: Session
) -> CompanyRevised:
    """Change what the caller's own company says of itself; its enterprise number stays."""
    company = await db.get(Company, company_id, with_for_update=True)
    if company is None or company_id != caller.company_id:
        raise not_found("company")
    check_version("company", company.version, draft.version)
    company.sqlmodel_update(draft.model_dump(mode="json"))
    company.version += 1
    return said(db, CompanyRevised, company)


@read.get("/companies")
async def list_companies(caller: CompanyOrCoordinator, db: Session, page: Page) -> list[CompanyShown]:
    """The caller's own company, or those of its provinces, by id; `after` is the last id of the page before."""
    return [_shown(row) for row in await page.of(db, select(Company).where(_visible(caller)), Company.company_id)]


@read.get("/companies/{company_id}")
async def get_company(company_id: UUID, caller: CompanyOrCoordinator, db: Session) -> CompanyShown:
    """A company, for itself and the coordinators of its province."""
    company = await db.scalar(select(Company).where(Company.company_id == company_id, _visible(caller)))
    if company is None:
        raise not_found("company")
    return _shown(company)


async def provinces_of(db: Db, companies: list[UUID], contact: UUID | None = None) -> list[str]:
    """The provinces of these companies, in their order; the contact, if given, must be the first one's."""
    known = {company: province for company, province in await fetch(db, PROVINCES, companies, contact)}
    if contact and not known:
        raise invalid("body.contact_id", "must be a contact that your registered company has shared")
    if missing := [str(company) for company in companies if company not in known]:
        raise conflict(f"Not registered yet: {', '.join(missing)}. Each company registers itself first.")
    return [known[company] for company in companies]


def _visible(caller: Caller) -> ColumnElement[bool]:
    """Who reads which companies: a company itself, a coordinator its province's."""
    if caller.role is Role.COMPANY:
        return col(Company.company_id) == caller.company_id
    return col(Company.province).in_(caller.provinces)


def _shown(company: Company) -> CompanyShown:
    return CompanyShown(coordinator=Province(company.province).coordinator, **company.model_dump())
