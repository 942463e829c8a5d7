"""Data that travels between collector, store, pages and API.

All models are frozen and ignore fields they do not know, so that a process may read what an older or newer one wrote.
Times are Unix epoch seconds (float), sizes are bytes (int), durations are seconds (float), percentages are 0-100 unless
stated otherwise.
"""

from .base import Model, Text, dump, text
from .configuration import BackupEntry, ConfigChange, ConfigFile, Configuration, ConfigVerdict
from .listings import CacheEntry, CacheInfo, LogLine, Series
from .operations import CONTROL_KINDS, Actor, Operation, OperationKind, OperationStatus, Step, StepStatus
from .services import Container, Figures, Health, Port, ServiceState
from .snapshot import ContainerSummary, DockerBlock, EngineState, EngineStatus, Event, HostFigures, Snapshot, StackInfo
from .states import Condition, ContainerStatus, HealthStatus, Means

__all__ = [
    "CONTROL_KINDS",
    "Actor",
    "BackupEntry",
    "CacheEntry",
    "CacheInfo",
    "Condition",
    "ConfigChange",
    "ConfigFile",
    "ConfigVerdict",
    "Configuration",
    "Container",
    "ContainerStatus",
    "ContainerSummary",
    "DockerBlock",
    "EngineState",
    "EngineStatus",
    "Event",
    "Figures",
    "Health",
    "HealthStatus",
    "HostFigures",
    "LogLine",
    "Means",
    "Model",
    "Operation",
    "OperationKind",
    "OperationStatus",
    "Port",
    "Series",
    "ServiceState",
    "Snapshot",
    "StackInfo",
    "Step",
    "StepStatus",
    "Text",
    "dump",
    "text",
]
