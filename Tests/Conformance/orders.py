"""What tests order, and how what comes is compared with it."""

from calls import METHODS, values
from schemas import pb

# How each kind of procedure is called; full duplex needs HTTP/2.
KINDS = ["Unary", "IdempotentUnary", "ClientStream", "ServerStream", "HalfDuplex", "FullDuplex"]
ONE_RESPONSE = {"Unary", "IdempotentUnary", "ClientStream"}

HEADERS = [pb.Header(name="x-custom-header", value=["foo", "bar", "baz"]), pb.Header(name="x-other", value=["one"])]
TRAILERS = [pb.Header(name="x-custom-trailer", value=["bing", "quuz"]), pb.Header(name="x-last", value=["two"])]
REQUEST_HEADERS = [("x-conformance-test", "Value1"), ("x-conformance-test", "Value2"), ("x-test-case-name", "case")]


def method_of(kind):
    return "BidiStream" if kind.endswith("Duplex") else kind


def requests(kind, data=(), error=None, headers=HEADERS, trailers=TRAILERS, delay_ms=0, count=None, fill=b"request"):
    """The request messages of a call that orders these responses."""
    method = method_of(kind)
    request_type, _ = METHODS[method]
    if kind in ONE_RESPONSE:
        order = pb.UnaryResponseDefinition(
            response_headers=headers, response_trailers=trailers, response_delay_ms=delay_ms, error=error
        )
        if data:
            [order.response_data] = data
    else:
        order = pb.StreamResponseDefinition(
            response_headers=headers,
            response_trailers=trailers,
            response_delay_ms=delay_ms,
            error=error,
            response_data=data,
        )
    if count is None:
        count = 3 if kind in ("ClientStream", "HalfDuplex", "FullDuplex") else 1
    messages = [request_type(request_data=fill + b" %d" % n) for n in range(count)]
    if messages:
        messages[0].response_definition.CopyFrom(order)
        if kind == "FullDuplex":
            messages[0].full_duplex = True
    return messages


def packed(messages):
    return [(f"type.googleapis.com/{type(m).DESCRIPTOR.full_name}", m.SerializeToString()) for m in messages]


def seen(info):
    """The requests that a RequestInfo tells."""
    return [
        (request.type_url, type_of(request).FromString(request.value).SerializeToString()) for request in info.requests
    ]


def type_of(request):
    return getattr(pb, request.type_url.rpartition(".")[2])


def check_info(info, messages, timeout_ms=None):
    """The first RequestInfo of a call."""
    fields = [(header.name, value) for header in info.request_headers for value in header.value]
    assert values(fields, "x-conformance-test") == ["Value1", "Value2"], info
    assert values(fields, "x-test-case-name") == ["case"], info
    if timeout_ms is None:
        assert not info.HasField("timeout_ms"), info
    else:
        assert timeout_ms - 500 <= info.timeout_ms <= timeout_ms, info
    assert seen(info) == packed(messages)


def check_metadata_of(running, headers=HEADERS, trailers=TRAILERS):
    """With success, headers and trailers are apart; with an error they may come together."""
    for expected, fields in [(headers, running.headers), (trailers, running.trailers)]:
        for header in expected:
            found = running.values(header.name) if running.failure else values(fields, header.name)
            assert found == list(header.value), (header, running.headers, running.trailers)
