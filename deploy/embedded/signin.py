"""Sign-in for the sample's people, on the loopback address alone: it lets anyone in as anyone."""

from joserfc.jwk import ECKey

from deploy import people
from deploy.embedded.java import Classes
from deploy.embedded.processes import Program
from deploy.files import write
from deploy.settings import LOOPBACK, Settings
from deploy.signin import server


class SignIn:
    """The sign-in server of one state folder."""

    name = "signin"

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.folder = settings.state / "signin"
        self.classes = Classes(self.folder)

    def program(self, classpath: str, key: ECKey) -> Program:
        """How to run it, after writing what it is told. Takes a moment: templates are imported here alone."""
        from deploy.signin import config

        page, told = self.folder / "page.html", self.folder / "config.json"
        has_run = told.exists()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write(page, config.page(people.load()))
        write(told, config.config(key, page))
        command = server.command(classpath, *self.classes.option(server.command(classpath), has_run))
        environment = server.environment(told, LOOPBACK, self.settings.signin_port)
        return Program(self.name, command, self.settings.signin_port, environment, patience=30)
