"""Zipkin, to look at traces in a browser: on the loopback address, and in memory alone."""

from deploy.embedded.java import java
from deploy.embedded.processes import Program
from deploy.settings import LOOPBACK, Settings

NAME = "zipkin"
MAIN = "org.springframework.boot.loader.launch.JarLauncher"
OPTIONS = (
    "-Xmx256m",
    "--enable-native-access=ALL-UNNAMED",
    "-Dspring.main.banner-mode=off",
    "-Darmeria.ports[0].protocols[0]=http",
    f"-Darmeria.ports[0].ip={LOOPBACK}",
)


def program(settings: Settings, classpath: str) -> Program:
    """How to run it."""
    port = f"-Darmeria.ports[0].port={settings.zipkin_port}"
    return Program(NAME, (*java(classpath, *OPTIONS, port), MAIN), settings.zipkin_port)


def told(settings: Settings) -> dict[str, str]:
    """What a service is told of it, so that it sends its spans there."""
    return {"OTEL_EXPORTER_ZIPKIN_ENDPOINT": f"{settings.urls[NAME]}/api/v2/spans"} if settings.zipkin else {}
