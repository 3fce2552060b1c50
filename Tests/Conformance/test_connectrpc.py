"""An independent client: connectrpc, synchronous and asynchronous, in each of its protocols."""

import asyncio
import itertools

import pytest
from calls import METHODS
from connectrpc.client import ConnectClient, ConnectClientSync, ResponseMetadata
from connectrpc.code import Code
from connectrpc.compat import google_protobuf_binary_codec, google_protobuf_json_codec
from connectrpc.compression.gzip import GzipCompression
from connectrpc.errors import ConnectError
from connectrpc.method import IdempotencyLevel, MethodInfo, StreamType
from connectrpc.protocol import ProtocolType
from orders import HEADERS, TRAILERS, requests, seen
from pyqwest import Client, HTTPTransport, HTTPVersion, SyncClient, SyncHTTPTransport
from schemas import pb, process_pb

TYPES = {
    "Unary": StreamType.UNARY,
    "IdempotentUnary": StreamType.UNARY,
    "ServerStream": StreamType.SERVER_STREAM,
    "ClientStream": StreamType.CLIENT_STREAM,
    "BidiStream": StreamType.BIDI_STREAM,
    "Unimplemented": StreamType.UNARY,
}
LARGE = bytes(range(256)) * 40


def method(name):
    request, response = METHODS[name]
    level = IdempotencyLevel.NO_SIDE_EFFECTS if name == "IdempotentUnary" else IdempotencyLevel.UNKNOWN
    service = "connectrpc.conformance.v1.ConformanceService"
    return MethodInfo(
        name=name,
        service_name=service,
        input=request,
        output=response,
        idempotency_level=level,
        stream_type=TYPES[name],
    )


def process_method(name, request, response, kind, level=IdempotencyLevel.UNKNOWN):
    return MethodInfo(
        name=name,
        service_name="process.Process",
        input=request,
        output=response,
        idempotency_level=level,
        stream_type=kind,
    )


LIST = process_method(
    "List", process_pb.ListRequest, process_pb.ListResponse, StreamType.UNARY, IdempotencyLevel.NO_SIDE_EFFECTS
)
START = process_method("Start", process_pb.StartRequest, process_pb.StartResponse, StreamType.SERVER_STREAM)
STREAM_INPUT = process_method(
    "StreamInput", process_pb.StreamInputRequest, process_pb.StreamInputResponse, StreamType.CLIENT_STREAM
)

PROTOCOLS = {"connect": ProtocolType.CONNECT, "grpc": ProtocolType.GRPC, "grpc-web": ProtocolType.GRPC_WEB}
CODECS = {"proto": google_protobuf_binary_codec, "json": google_protobuf_json_codec}
VERSIONS = {"http1": HTTPVersion.HTTP1, "http2": HTTPVersion.HTTP2}
WAYS = [
    way
    for way in itertools.product(PROTOCOLS, CODECS, VERSIONS, ["plain", "gzip"])
    if (way[0], way[2]) != ("grpc", "http1")
]

ways = pytest.mark.parametrize("way", WAYS, ids="-".join)


def options(way):
    protocol, codec, _, compression = way
    gzip = GzipCompression() if compression == "gzip" else None
    return {
        "protocol": PROTOCOLS[protocol],
        "codec": CODECS[codec](),
        "send_compression": gzip,
        "accept_compression": [gzip] if gzip else [],
    }


@pytest.fixture
def clients(way):
    """Makes clients of a server."""

    def make(port):
        http = SyncClient(SyncHTTPTransport(http_version=VERSIONS[way[2]]))
        return ConnectClientSync(f"http://127.0.0.1:{port}", http_client=http, **options(way))

    return make


@pytest.fixture
def client(clients, port):
    return clients(port)


@pytest.fixture
def async_client(way, port):
    http = Client(HTTPTransport(http_version=VERSIONS[way[2]]))
    return ConnectClient(f"http://127.0.0.1:{port}", http_client=http, **options(way))


def check_fields(metadata):
    for fields, expected in [(metadata.headers, HEADERS), (metadata.trailers, TRAILERS)]:
        for header in expected:
            assert fields.getall(header.name) == list(header.value)


@ways
def test_unary(client):
    messages = requests("Unary", [LARGE])
    with ResponseMetadata() as metadata:
        response = client.execute_unary(request=messages[0], method=method("Unary"), timeout_ms=5000)
    assert response.payload.data == LARGE
    assert seen(response.payload.request_info)[0][1] == messages[0].SerializeToString()
    assert 4000 < response.payload.request_info.timeout_ms <= 5000
    check_fields(metadata)


@pytest.mark.parametrize("way", [way for way in WAYS if way[0] == "connect"], ids="-".join)
def test_get(client):
    [message] = requests("IdempotentUnary", [LARGE])
    response = client.execute_unary(request=message, method=method("IdempotentUnary"), use_get=True)
    assert response.payload.data == LARGE
    assert response.payload.request_info.connect_get_info.query_params


@ways
def test_server_stream(client):
    [message] = requests("ServerStream", [b"1", LARGE, b""])
    with ResponseMetadata() as metadata:
        responses = list(client.execute_server_stream(request=message, method=method("ServerStream")))
    assert [response.payload.data for response in responses] == [b"1", LARGE, b""]
    check_fields(metadata)


@ways
def test_client_stream(client):
    messages = requests("ClientStream", [b"all"], count=20)
    response = client.execute_client_stream(request=iter(messages), method=method("ClientStream"))
    assert response.payload.data == b"all"
    assert len(response.payload.request_info.requests) == 20


@ways
def test_half_duplex(client):
    messages = requests("HalfDuplex", [b"1", b"2"])
    responses = list(client.execute_bidi_stream(request=iter(messages), method=method("BidiStream")))
    assert [response.payload.data for response in responses] == [b"1", b"2"]
    assert len(responses[0].payload.request_info.requests) == 3


@ways
@pytest.mark.parametrize("code", list(Code))
def test_errors(client, code):
    number = pb.Code.Value(f"CODE_{code.name}")
    error = pb.Error(code=number, message="žluť\r\n100 %")
    with pytest.raises(ConnectError) as caught:
        client.execute_unary(request=requests("Unary", error=error)[0], method=method("Unary"))
    assert (caught.value.code, caught.value.message) == (code, "žluť\r\n100 %")
    [message] = requests("ServerStream", [b"before"], error)
    stream = client.execute_server_stream(request=message, method=method("ServerStream"))
    assert next(iter(stream)).payload.data == b"before"
    with pytest.raises(ConnectError) as caught:
        list(stream)
    assert (caught.value.code, caught.value.message) == (code, "žluť\r\n100 %")


@ways
def test_what_is_not_implemented(client):
    with pytest.raises(ConnectError) as caught:
        client.execute_unary(request=pb.UnimplementedRequest(), method=method("Unimplemented"))
    assert caught.value.code == Code.UNIMPLEMENTED


@ways
async def test_asynchronous_calls(async_client, way):
    [message] = requests("Unary", [LARGE])
    response = await async_client.execute_unary(request=message, method=method("Unary"))
    assert response.payload.data == LARGE

    [message] = requests("ServerStream", [b"1", b"2"])
    stream = async_client.execute_server_stream(request=message, method=method("ServerStream"))
    assert [response.payload.data async for response in stream] == [b"1", b"2"]

    async def each(messages):
        for message in messages:
            yield message

    messages = requests("ClientStream", [b"all"])
    response = await async_client.execute_client_stream(request=each(messages), method=method("ClientStream"))
    assert len(response.payload.request_info.requests) == 3

    messages = requests("HalfDuplex", [b"1", b"2"])
    stream = async_client.execute_bidi_stream(request=each(messages), method=method("BidiStream"))
    assert [response.payload.data async for response in stream] == [b"1", b"2"]

    with pytest.raises(ConnectError) as caught:
        late = requests("Unary", [b"late"], delay_ms=1500)[0]
        await async_client.execute_unary(request=late, method=method("Unary"), timeout_ms=100)
    assert caught.value.code == Code.DEADLINE_EXCEEDED


@pytest.mark.parametrize("way", [way for way in WAYS if way[2] == "http2"], ids="-".join)
async def test_full_duplex(async_client):
    messages = requests("FullDuplex", [b"1", b"2", b"3"])
    answered = asyncio.Queue()

    async def alternating():
        for number, message in enumerate(messages, 1):
            yield message
            assert await answered.get() == number

    received = []
    async for response in async_client.execute_bidi_stream(request=alternating(), method=method("BidiStream")):
        received.append(response.payload.data)
        answered.put_nowait(len(received))
    assert received == [b"1", b"2", b"3"]


@ways
def test_the_daemon(clients, daemon, way):
    client = clients(daemon.port)
    config = process_pb.ProcessConfig(cmd="/bin/sh", args=["-c", "printf out; printf err >&2; exit 3"])
    request = process_pb.StartRequest(process=config)
    events = [response.event for response in client.execute_server_stream(request=request, method=START)]
    assert events[0].start.pid > 0
    assert b"".join(event.data.stdout for event in events) == b"out"
    assert b"".join(event.data.stderr for event in events) == b"err"
    assert events[-1].end.exit_code == 3

    config = process_pb.ProcessConfig(cmd="/bin/cat")
    request = process_pb.StartRequest(process=config, stdin=True, tag="fed")
    stream = iter(client.execute_server_stream(request=request, method=START))
    pid = next(stream).event.start.pid
    listed = client.execute_unary(request=process_pb.ListRequest(), method=LIST, use_get=way[0] == "connect")
    assert pid in [process.pid for process in listed.processes]
    selector = process_pb.ProcessSelector(pid=pid)
    client.execute_client_stream(
        request=iter(
            [
                process_pb.StreamInputRequest(start=process_pb.StreamInputRequest.StartEvent(process=selector)),
                process_pb.StreamInputRequest(
                    data=process_pb.StreamInputRequest.DataEvent(input=process_pb.ProcessInput(stdin=b"fed"))
                ),
            ]
        ),
        method=STREAM_INPUT,
    )
    assert next(stream).event.data.stdout == b"fed"
    close = process_method("CloseStdin", process_pb.CloseStdinRequest, process_pb.CloseStdinResponse, StreamType.UNARY)
    client.execute_unary(request=process_pb.CloseStdinRequest(process=selector), method=close)
    assert list(stream)[-1].event.end.exited

    kill = process_method("SendSignal", process_pb.SendSignalRequest, process_pb.SendSignalResponse, StreamType.UNARY)
    request = process_pb.SendSignalRequest(process=selector, signal=process_pb.SIGNAL_SIGKILL)
    with pytest.raises(ConnectError) as caught:
        client.execute_unary(request=request, method=kill)
    assert caught.value.code == Code.NOT_FOUND
