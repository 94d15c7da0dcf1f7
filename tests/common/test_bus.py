"""Which bus a process opens."""

import pytest

from common.amqp import AmqpBus
from common.bus import open_bus
from common.env import BadSetting


def test_a_process_that_runs_apart_refuses_to_start_without_a_broker() -> None:
    with pytest.raises(BadSetting, match=r"MAILBRIDGE_BROKER_URL.*python -m standalone"):
        open_bus(None, "inbound")


def test_a_url_of_another_kind_is_refused() -> None:
    with pytest.raises(BadSetting, match="MAILBRIDGE_BROKER_URL"):
        open_bus("redis://127.0.0.1", "inbound")


def test_an_amqp_url_opens_rabbitmq_s_bus_without_waiting_for_it() -> None:
    bus = open_bus("amqp://guest:guest@127.0.0.1:9/vhost", "inbound")
    assert isinstance(bus, AmqpBus)
    bus.close(0.0)
