"""An independent client: grpcio, with generated stubs, and its client of server reflection."""

import threading

import grpc
import pytest
from calls import CODES
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from orders import HEADERS, TRAILERS, requests
from schemas import Status, pb, process_pb, process_stubs, stubs
from server import MESSAGE_LIMIT

LARGE = bytes(range(256)) * 40


@pytest.fixture(params=[grpc.Compression.NoCompression, grpc.Compression.Gzip], ids=["plain", "gzip"])
def channel(request, port):
    with grpc.insecure_channel(f"127.0.0.1:{port}", compression=request.param) as channel:
        yield channel


@pytest.fixture
def stub(channel):
    return stubs.ConformanceServiceStub(channel)


@pytest.fixture
def daemon_channel(daemon):
    with grpc.insecure_channel(f"127.0.0.1:{daemon.port}") as channel:
        yield channel


def check_fields(call):
    for fields, expected in [(call.initial_metadata(), HEADERS), (call.trailing_metadata(), TRAILERS)]:
        for header in expected:
            assert [value for name, value in fields if name == header.name] == list(header.value)


def test_unary(stub):
    [message] = requests("Unary", [LARGE])
    response, call = stub.Unary.with_call(message, timeout=5, metadata=[("x-conformance-test", "Value1")])
    assert response.payload.data == LARGE
    assert 4000 < response.payload.request_info.timeout_ms <= 5000
    check_fields(call)


def test_server_stream(stub):
    call = stub.ServerStream(*requests("ServerStream", [b"1", LARGE, b""]))
    assert [response.payload.data for response in call] == [b"1", LARGE, b""]
    check_fields(call)


def test_client_stream(stub):
    messages = requests("ClientStream", [b"all"], count=50)
    response = stub.ClientStream(iter(messages))
    assert (response.payload.data, len(response.payload.request_info.requests)) == (b"all", 50)


def test_half_duplex(stub):
    responses = list(stub.BidiStream(iter(requests("HalfDuplex", [b"1", b"2"]))))
    assert [response.payload.data for response in responses] == [b"1", b"2"]
    assert len(responses[0].payload.request_info.requests) == 3


def test_full_duplex(stub):
    messages = requests("FullDuplex", [b"%d" % n for n in range(100)], count=100)
    answered = threading.Semaphore(0)

    def alternating():
        for message in messages:
            yield message
            answered.acquire(timeout=10)

    received = []
    for response in stub.BidiStream(alternating()):
        received.append(response.payload.data)
        answered.release()
    assert received == [b"%d" % n for n in range(100)]


@pytest.mark.parametrize("code", CODES)
def test_errors(stub, code):
    number, _ = CODES[code]
    error = pb.Error(code=number, message=" žluť\r\n100 % ")
    for call in [
        lambda: stub.Unary(*requests("Unary", error=error)),
        lambda: list(stub.ServerStream(*requests("ServerStream", error=error))),
        lambda: stub.ClientStream(iter(requests("ClientStream", error=error))),
        lambda: list(stub.BidiStream(iter(requests("HalfDuplex", error=error)))),
    ]:
        with pytest.raises(grpc.RpcError) as caught:
            call()
        assert caught.value.code().value[0] == number
        assert caught.value.details() == error.message
        fields = dict(caught.value.trailing_metadata())
        status = Status.FromString(fields["grpc-status-details-bin"])
        assert (status.code, status.message, len(status.details)) == (number, error.message, 1)


def test_what_is_not_there(stub, channel):
    with pytest.raises(grpc.RpcError) as caught:
        stub.Unimplemented(pb.UnimplementedRequest())
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
    unknown = channel.unary_unary("/no.Service/Method", bytes, bytes)
    with pytest.raises(grpc.RpcError) as caught:
        unknown(b"")
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_a_deadline(stub):
    with pytest.raises(grpc.RpcError) as caught:
        stub.Unary(*requests("Unary", [b"late"], delay_ms=1500), timeout=0.1)
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED


def test_a_message_above_the_limit(stub):
    for call in [
        lambda: stub.Unary(pb.UnaryRequest(request_data=bytes(MESSAGE_LIMIT))),
        lambda: stub.ClientStream(iter([pb.ClientStreamRequest(request_data=bytes(8 << 20))] * 3)),
    ]:
        with pytest.raises(grpc.RpcError) as caught:
            call()
        assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


def test_a_call_that_is_cancelled_leaves_the_channel_usable(stub):
    for _ in range(50):
        call = stub.ServerStream(*requests("ServerStream", [b"late"], delay_ms=60_000))
        assert call.initial_metadata()
        call.cancel()
    assert stub.Unary(*requests("Unary", [b"after"])).payload.data == b"after"


def test_the_daemon(daemon_channel):
    stub = process_stubs.ProcessStub(daemon_channel)
    config = process_pb.ProcessConfig(cmd="/bin/sh", args=["-c", "printf out; exit 3"])
    events = [response.event for response in stub.Start(process_pb.StartRequest(process=config))]
    assert b"".join(event.data.stdout for event in events) == b"out"
    assert events[-1].end.exit_code == 3

    request = process_pb.StartRequest(process=process_pb.ProcessConfig(cmd="/bin/cat"), stdin=True)
    stream = stub.Start(request)
    pid = next(stream).event.start.pid
    selector = process_pb.ProcessSelector(pid=pid)
    assert pid in [process.pid for process in stub.List(process_pb.ListRequest()).processes]
    start = process_pb.StreamInputRequest.StartEvent(process=selector)
    data = process_pb.StreamInputRequest.DataEvent(input=process_pb.ProcessInput(stdin=b"fed"))
    stub.StreamInput(iter([process_pb.StreamInputRequest(start=start), process_pb.StreamInputRequest(data=data)]))
    assert next(stream).event.data.stdout == b"fed"
    stub.CloseStdin(process_pb.CloseStdinRequest(process=selector))
    assert list(stream)[-1].event.end.exited

    with pytest.raises(grpc.RpcError) as caught:
        stub.SendSignal(process_pb.SendSignalRequest(process=selector, signal=process_pb.SIGNAL_SIGKILL))
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND


# Reflection


def test_reflection_tells_the_services_and_their_types(daemon_channel):
    database = ProtoReflectionDescriptorDatabase(daemon_channel)
    assert set(database.get_services()) == {
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
        "process.Process",
    }
    pool = DescriptorPool(database)
    for ours in [process_pb.DESCRIPTOR, *process_pb.DESCRIPTOR.dependencies]:
        theirs = pool.FindFileByName(ours.name)
        assert sorted(theirs.message_types_by_name) == sorted(ours.message_types_by_name)
    service = pool.FindServiceByName("process.Process")
    assert service.methods_by_name["Start"].input_type.full_name == "process.StartRequest"
    assert pool.FindMessageTypeByName("process.PTY.Size").fields_by_name["rows"].number == 2
    for version in ("v1", "v1alpha"):
        name = f"grpc.reflection.{version}.ServerReflection"
        assert pool.FindServiceByName(name).methods_by_name["ServerReflectionInfo"].input_type
    with pytest.raises(KeyError):
        pool.FindMessageTypeByName("process.NoSuchMessage")


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_each_version_of_reflection_answers_each_question(daemon_channel, version):
    from grpc_reflection.v1alpha import reflection_pb2 as questions

    info = daemon_channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        questions.ServerReflectionRequest.SerializeToString,
        questions.ServerReflectionResponse.FromString,
    )
    extension = questions.ExtensionRequest(containing_type="process.PTY", extension_number=1)
    asked = [
        questions.ServerReflectionRequest(host="h", list_services=""),
        questions.ServerReflectionRequest(file_by_filename="process/process.proto"),
        questions.ServerReflectionRequest(file_by_filename="no/such.proto"),
        questions.ServerReflectionRequest(file_containing_symbol="process.Process.Start"),
        questions.ServerReflectionRequest(file_containing_symbol="process"),
        questions.ServerReflectionRequest(file_containing_extension=extension),
        questions.ServerReflectionRequest(all_extension_numbers_of_type="process.PTY"),
        questions.ServerReflectionRequest(all_extension_numbers_of_type="process.NoSuchMessage"),
        questions.ServerReflectionRequest(),
    ]
    answers = list(info(iter(asked)))
    assert [answer.original_request for answer in answers] == asked
    assert answers[0].valid_host == "h"
    assert [answer.WhichOneof("message_response") for answer in answers] == [
        "list_services_response",
        "file_descriptor_response",
        "error_response",
        "file_descriptor_response",
        "error_response",
        "error_response",
        "all_extension_numbers_response",
        "error_response",
        "error_response",
    ]
    assert answers[2].error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]
    assert answers[8].error_response.error_code == grpc.StatusCode.INVALID_ARGUMENT.value[0]


def test_reflection_is_off_unless_asked_for():
    from daemon import Daemon

    with Daemon() as daemon, grpc.insecure_channel(f"127.0.0.1:{daemon.port}") as channel:
        with pytest.raises(grpc.RpcError) as caught:
            ProtoReflectionDescriptorDatabase(channel).get_services()
        assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
