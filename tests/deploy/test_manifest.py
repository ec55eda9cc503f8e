"""The manifest says what the events and the vocabulary say."""

import pytest

from deploy.manifest import Manifest, load
from shared.contacts import AGAIN
from shared.events import CATALOG
from shared.settings import Contacts
from shared.vocabulary import Region


def test_every_event_has_its_topic_with_its_key() -> None:
    for event in CATALOG.values():
        topic = load().topic(event.topic)
        assert event.key in topic.key.split(" or ")
        assert event.personal == topic.personal


def test_personal_topics_are_read_by_notify_alone() -> None:
    personal = [topic for topic in load().topics if topic.personal]
    assert {topic.name for topic in personal} == {"i2pcc.contacts.v1", "i2pcc.invitations.v1"}
    assert all(topic.readers == ("notify",) for topic in personal)


@pytest.mark.parametrize("region", Region)
def test_a_regions_matches_are_read_by_its_partners_alone(region: Region) -> None:
    assert load().topic(f"i2pcc.matches.{region}.v1").readers == (f"partners of {region}",)


def test_what_projections_are_rebuilt_from_is_kept_for_ever() -> None:
    for name in ("proposals", "needs", "companies", "matches", "matches.hebei"):
        assert load().topic(f"i2pcc.{name}.v1").config()["retention.ms"] == "-1"


def test_erased_contacts_stay_erased_for_readers_that_were_away_a_month() -> None:
    config = load().topic("i2pcc.contacts.v1").config()
    assert config["cleanup.policy"] == "compact"
    assert config["delete.retention.ms"] == str(30 * 24 * 3600 * 1000)


def test_an_erasure_is_said_again_once_its_segment_is_closed_and_before_its_null_value_is_forgotten() -> None:
    compaction, settings = load().topic("i2pcc.contacts.v1").compact, Contacts.model_fields["marker_seconds"]
    assert compaction
    assert settings.default == 60 * compaction.segment_minutes + 60
    assert settings.default + AGAIN < 86_400 * compaction.tombstone_days


def test_a_reader_that_is_no_service_is_refused() -> None:
    topic = {"name": "t", "key": "k", "partitions": 1, "writers": ["intake"], "readers": ["matchin"]}
    with pytest.raises(ValueError, match="matchin"):
        Manifest.model_validate({"database": "d", "services": {"intake": {"schema": "intake"}}, "topics": [topic]})


@pytest.mark.parametrize("partner", ["not", "notify", "adm", "partner"])
def test_a_partner_that_would_read_in_anothers_groups_is_refused(partner: str) -> None:
    services, partners = {"notify": {"schema": "notify"}}, {partner: [], "partner-hebei": ["hebei"]}
    with pytest.raises(ValueError, match=f"rename the partner {partner}"):
        Manifest.model_validate({"database": "d", "services": services, "partners": partners, "topics": []})


def test_every_partner_of_a_region_reads_its_matches() -> None:
    partners = {"one": (Region.HEBEI,), "two": (Region.HEBEI, Region.SHAANXI), "three": ()}
    manifest = load().model_copy(update={"partners": partners})
    assert manifest.readers(manifest.topic("i2pcc.matches.hebei.v1")) == {"one", "two"}
    assert manifest.readers(manifest.topic("i2pcc.matches.shaanxi.v1")) == {"two"}
    assert manifest.readers(manifest.topic("i2pcc.matches.v1")) == {"regions", "notify", "portal"}
