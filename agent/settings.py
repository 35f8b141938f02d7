"""Settings: one scanwright.toml and the environment, composed from the layers' own models."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource
from scanwright.agent.learning.settings import LearningSettings
from scanwright.agent.llm.settings import LLMSettings
from scanwright.agent.server.settings import ServerSettings
from scanwright.memory.settings import MemorySettings
from scanwright.tools.errors import UserInputError
from scanwright.tools.settings import ToolSettings


class AgentSettings(BaseModel):
    """How questions are answered.

    approve_over_s: a plan that is expected to take longer needs the person's approval. pins maps a goal's want, or
    a structure, to the tool the person prefers.
    """

    model_config = ConfigDict(extra="forbid")

    approve_over_s: float = 600.0
    pictures: bool = True
    pins: dict[str, str] = Field(default_factory=dict)


class Settings(BaseSettings):
    """All settings. Environment: SCANWRIGHT_TOOLS__WORKERS=2, SCANWRIGHT_MEMORY__QDRANT_URL=…, and so on."""

    model_config = SettingsConfigDict(env_prefix="SCANWRIGHT_", env_nested_delimiter="__", extra="ignore")

    agent: AgentSettings = Field(default_factory=AgentSettings)
    learning: LearningSettings = Field(default_factory=LearningSettings)
    llm: LLMSettings = Field(default_factory=LLMSettings)
    server: ServerSettings = Field(default_factory=ServerSettings)
    tools: ToolSettings = Field(default_factory=ToolSettings)
    memory: MemorySettings = Field(default_factory=MemorySettings)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load_settings(home: Path | None = None) -> Settings:
    """Settings from <home>/scanwright.toml (or ./scanwright.toml) and the environment.

    Raises UserInputError that names the setting that is wrong.
    """
    from pydantic import ValidationError

    candidates = [Path("scanwright.toml")] if home is None else [home / "scanwright.toml", Path("scanwright.toml")]
    file = next((c for c in candidates if c.is_file()), None)

    class FromFile(Settings):
        model_config = SettingsConfigDict(toml_file=file)

    try:
        return FromFile()
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(p) for p in first["loc"])
        raise UserInputError(
            f"The setting {where} is wrong: {first['msg']}. Look in {file or 'the environment'}."
        ) from None
    except ValueError as error:
        raise UserInputError(f"{file} is not valid TOML: {error}.") from None
