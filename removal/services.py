"""Processes requests: the only module that combines source, credits and engine.

Order of checks (the contract's): free slot -> parameters -> Idempotency-Key -> credits at all ->
fetch -> header -> hold -> engine -> settle. An error at any point charges nothing and is
recorded in a row; only 429s for want of a slot are merely counted.
"""

import hashlib
import logging
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Any, Protocol, cast

from django.conf import settings
from django.db import transaction

from accounts.models import ApiKey, User
from billing import ledger
from billing.models import Hold

from . import capacity, engine, execution, idempotency, limits, metrics, offers, outcomes, storage
from .errors import (
    BackgroundUrlFailed,
    BackgroundUrlRefused,
    ClientGone,
    InternalError,
    NothingFound,
    RemovalError,
    SlowDown,
)
from .failures import translate
from .models import KeyedRequest, Removal
from .outbound import fetch
from .outcomes import FREE, Outcome

log = logging.getLogger(__name__)


def _never() -> bool:
    return False


class ResultStore(Protocol):
    """Stores a result that can be requested again: see idempotency and kept."""

    def take(self, data: bytes) -> None:
        """Store the picture, before it is processed."""

    def store(self, content: bytes) -> None:
        """Store the result's bytes; they count only once `remember` has been committed."""

    def remember(self, outcome: dict[str, Any], hold: Hold | None) -> None:
        """Store the outcome (see outcomes), in the transaction that charges for it. May raise."""

    def give_up(self) -> None:
        """Discard: there is no result."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The user, key and source of a request. `pays`: production results cost the user credits."""

    request_id: str
    via: str
    concurrency_key: str  # an account, or a visitor's address
    key: ApiKey | None = None
    user: User | None = None
    pays: bool = False
    disconnected: Callable[[], bool] = _never
    endpoint: str = ""
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Url:
    """The URL to fetch a picture from."""

    text: str


# Files: the picture is in the storage, where a worker reads it and leaves its result.
Source = bytes | Url | execution.Files


@dataclass(frozen=True, slots=True)
class Order:
    """A validated request: a picture and the options. `options.watermark` means test=true.

    background: the source of the picture behind the cut-out.
    needs_foreground: whether a picture without a subject is an error, NothingFound.
    results: where to store picture and result, if the request has no Idempotency-Key.
    """

    source: Source
    options: engine.Options
    background: Source | None = None
    needs_foreground: bool = False
    results: ResultStore | None = None


Steps = Generator[execution.Job, engine.Result, Outcome]


def account_key(user: User) -> str:
    """A Caller's concurrency_key: all requests of an account count together."""
    return f"user {user.pk}"


def claimant_of(key: ApiKey) -> capacity.Claimant:
    """The claimant for slots, for a key's requests."""
    return _claimant(account_key(key.user), key, key.user)


@contextmanager
def admitted(caller: Caller) -> Iterator["Work"]:
    """A request under way. The block, which reads the order, runs once the queue has room for it.

    Raises RemovalError, whatever goes wrong in the block, and remembers it.
    """
    record = Removal(
        request_id=caller.request_id, via=caller.via, user=caller.user, api_key=caller.key
    )
    started = time.monotonic()
    try:
        with capacity.shared().admit(_claimant_of_caller(caller)) as admission:
            work = Work(caller, admission, record, started)
            yield work
    except SlowDown:  # writing a row for each would be most of the work of a 429
        raise
    except Exception as error:
        failure = _failure(caller, error)
        _note_failure(record, failure, started)
        raise failure from error
    if work.outcome is not None and not work.outcome.replay_of:
        metrics.count_result(work.outcome.options.model, work.outcome.credits_charged)
        _note_success(record, work.outcome, started)


def finish(steps: Steps, run: Callable[[], engine.Result]) -> Outcome:
    """Send the result of the job to the steps, or its error; the outcome."""
    try:
        try:
            result = run()
        except BaseException as error:
            steps.throw(error)
        else:
            steps.send(result)
    except StopIteration as end:
        return cast(Outcome, end.value)
    raise AssertionError("A request has one job.")


def mark_delivered(outcome: Outcome) -> None:
    """The response has been sent: the charge is final."""
    if outcome.hold is not None:
        ledger.mark_delivered(outcome.hold)


def _claimant_of_caller(caller: Caller) -> capacity.Claimant:
    """A batch's pictures do not count as requests of its key."""
    claimant = _claimant(caller.concurrency_key, caller.key, caller.user if caller.pays else None)
    return replace(claimant, key="") if caller.via == Removal.Via.BATCH else claimant


def _claimant(account: str, key: ApiKey | None, payer: User | None) -> capacity.Claimant:
    """Who is served first: accounts with credits, unless their key is for tests only."""
    test_only = key is not None and key.test_only
    return capacity.Claimant(
        account=account,
        key=key.public_id if key is not None else "",
        pays=payer is not None and not test_only and ledger.can_spend(payer),
    )


def _forced(caller: Caller, order: Order) -> Order:
    """The order as the key's limits allow it."""
    test = order.options.watermark or (caller.key is not None and caller.key.test_only)
    return replace(order, options=replace(order.options, watermark=test))


class Work:
    """One request that has been admitted; `outcome` once it is done."""

    def __init__(
        self, caller: Caller, admission: capacity.Admission, record: Removal, started: float
    ) -> None:
        self.outcome: Outcome | None = None
        self._caller = caller
        self._admission = admission
        self._record = record
        self._started = started

    def remove_background(self, order: Order) -> Outcome:
        """Do what is ordered, to the settlement of what it costs."""
        steps = self.steps(order)
        try:
            job = next(steps)
        except StopIteration as end:  # it repeats another request
            return cast(Outcome, end.value)
        return finish(steps, partial(execution.run, job))

    def steps(self, order: Order) -> Steps:
        """The same, for callers whose thread does not wait for the engine.

        Yields the job, then takes its result or error (see `finish`); returns the outcome. What the
        request holds is released when the generator ends.
        """
        self.outcome = yield from self._once(_forced(self._caller, order))
        return self.outcome

    def _once(self, order: Order) -> Steps:
        """With an Idempotency-Key, one request does the work and the others get its result."""
        caller, results = self._caller, order.results
        if caller.idempotency_key is not None and caller.user is not None:
            row = idempotency.claim(
                caller.user, caller.idempotency_key, _fingerprint(caller, order), caller.request_id
            )
            if row.state == KeyedRequest.State.DONE:
                content = idempotency.content_of(row)
                return outcomes.from_json(
                    row.outcome, content, order.options, row.hold, row.request_id
                )
            results = idempotency.KeyedResultStore(row)
        try:
            return (yield from self._of_job(order, results))
        except BaseException:
            if results is not None:
                results.give_up()
            raise

    def _of_job(self, order: Order, results: ResultStore | None) -> Steps:
        caller, test = self._caller, order.options.watermark
        pays, tester = caller.pays and not test, caller.user if test else None
        offer = offers.chosen(order.options.model)
        order = replace(order, options=replace(order.options, model=offer.name))
        self._check_means(order.options, pays, tester)
        job = self._job(order, results, pays)
        pixels = min(job.header.pixels, job.options.max_pixels)
        price = ledger.price_of(pixels, offer.factor)
        if pays:
            return (yield from self._charged(job, price, offer.factor, results))
        if tester is not None:  # counted only now: requests refused earlier do not count
            limits.take_free_test(tester, offer.factor)
        result = yield job
        calculated = (price if result.facts.result_foreground else FREE) if caller.pays else None
        outcome = Outcome(result, job.options, credits_calculated=calculated)
        return _finished(caller, outcome, results)

    def _check_means(self, options: engine.Options, pays: bool, tester: User | None) -> None:
        """Refuse whoever has neither credits nor free tests, before anything is fetched."""
        self._record.test = options.watermark
        self._record.model = options.model
        self._record.output_format = options.resolved_format
        if pays:
            assert self._caller.user is not None
            ledger.check_spendable(self._caller.user)
            limits.check_empty(self._caller.user)
        else:
            self._admission.does_not_pay()
        if tester is not None:
            limits.check_free_tests(tester)

    def _job(self, order: Order, results: ResultStore | None, pays: bool) -> execution.Job:
        """The pictures are there, and the order can be carried out."""
        caller, options = self._caller, order.options
        data = self._bytes_of(order.source)
        header = engine.inspect(data)
        self._record.input_format = header.format
        self._record.input_width, self._record.input_height = header.size
        background = None if order.background is None else self._background_of(order.background)
        options = replace(options, has_background_picture=background is not None)
        largest = settings.REMOVAL_MAX_RESULT_PIXELS
        engine.check(header, options, background=background, max_result_pixels=largest)
        if results is not None:
            results.take(data)
        is_batch = caller.via == Removal.Via.BATCH
        files = order.source if execution.is_read_by_workers(order.source) else None
        return execution.Job(
            data=b"" if files else data,  # else all pictures at work would be in memory here too
            header=header,
            options=options,
            deadline=self._started + settings.REMOVAL_DEADLINE_SECONDS,
            disconnected=caller.disconnected,
            needs_foreground=order.needs_foreground,
            goes_first=pays and not is_batch,
            queue="batch" if is_batch else "interactive",
            files=files,
            beside=background or b"",
            max_result_pixels=largest,
        )

    def _bytes_of(self, source: Source) -> bytes:
        if isinstance(source, bytes):
            return source
        if isinstance(source, execution.Files):
            return self._stored(source.picture)
        bounds = fetch.FetchLimits(
            max_bytes=settings.REMOVAL_MAX_UPLOAD_BYTES,
            total_seconds=settings.IMAGE_URL_SECONDS,
            connect_seconds=settings.IMAGE_URL_CONNECT_SECONDS,
            max_redirects=settings.IMAGE_URL_REDIRECTS,
            allow=settings.IMAGE_URL_ALLOW,
        )
        with self._admission.fetching():
            return fetch.fetch(source.text, bounds, cancelled=self._caller.disconnected)

    def _stored(self, name: str) -> bytes:
        try:
            return storage.get(name)
        except FileNotFoundError:
            if self._caller.disconnected():  # its owner has deleted it
                raise ClientGone from None
            raise

    def _background_of(self, source: Source) -> bytes:
        try:
            return self._bytes_of(source)
        except fetch.AddressRefused as error:
            raise BackgroundUrlRefused(f"The background: {error}") from error
        except (fetch.FetchFailed, fetch.FetchTooSlow, fetch.NotAnImageAnswer) as error:
            raise BackgroundUrlFailed(f"The background: {error}") from error

    def _charged(
        self, job: execution.Job, price: Decimal, factor: Decimal, results: ResultStore | None
    ) -> Steps:
        caller = self._caller
        assert caller.user is not None
        lifetime = settings.REMOVAL_DEADLINE_SECONDS + settings.HOLD_GRACE_SECONDS
        with ledger.charge(caller.user, price, caller.request_id, lifetime, caller.key) as hold:
            try:
                result = yield job
            except NothingFound:
                limits.count_empty(caller.user, factor)
                raise
            if result.facts.result_foreground:
                outcome = Outcome(result, job.options, credits_charged=price, hold=hold)
                return _finished(caller, outcome, results)
        limits.count_empty(caller.user, factor)
        return _finished(caller, Outcome(result, job.options), results)


def _finished(caller: Caller, outcome: Outcome, results: ResultStore | None) -> Outcome:
    """Charge for the outcome and store it, both or neither."""
    if results is None:
        return _settled(caller, outcome)
    results.store(outcome.result.content)
    with transaction.atomic():
        outcome = _settled(caller, outcome)
        results.remember(outcomes.as_json(outcome), outcome.hold)
    return outcome


def _settled(caller: Caller, outcome: Outcome) -> Outcome:
    if outcome.hold is None:
        return replace(outcome, credits_remaining=_remaining(caller))
    # From the entry: a query that fails after the commit would hide the charge from the caller.
    return replace(outcome, credits_remaining=ledger.settle(outcome.hold).spendable_after)


def _fingerprint(caller: Caller, order: Order) -> str:
    """The fingerprint of a request: its path, picture and non-default options."""
    pictures = [_picture_mark(source) for source in (order.source, order.background) if source]
    return idempotency.fingerprint(
        caller.endpoint, pictures, idempotency.chosen_options(order.options)
    )


def _picture_mark(source: Source) -> str:
    match source:
        case Url(text) | execution.Files(text):
            return text
        case bytes():
            return hashlib.sha256(source).hexdigest()


def _remaining(caller: Caller) -> Decimal | None:
    return ledger.state(caller.user).credits if caller.user is not None else None


def _failure(caller: Caller, error: Exception) -> RemovalError:
    known = translate(error)
    if known is None:
        log.exception("Request %s failed", caller.request_id)
        return InternalError(caller.request_id, settings.SUPPORT_EMAIL, detail=repr(error))
    if known.detail:
        log.warning("Request %s: %s", caller.request_id, known.detail, exc_info=error)
    return known


def _note_failure(record: Removal, failure: RemovalError, started: float) -> None:
    record.status, record.error_code = failure.status, failure.code
    # It may quote input; databases accept neither NUL nor half of a surrogate pair.
    message = failure.message[:500]
    record.error_message = "".join(c if c.isprintable() else "\ufffd" for c in message)
    _save(record, started)


def _note_success(record: Removal, outcome: Outcome, started: float) -> None:
    record.status = 200
    record.result_width, record.result_height = outcome.result.facts.result_size
    record.credits_charged = outcome.credits_charged
    record.credits_calculated = outcome.credits_calculated
    _save(record, started)


def _save(record: Removal, started: float) -> None:
    """Write the request's row; a failure is logged, but must not lose the result."""
    record.duration_ms = round((time.monotonic() - started) * 1000)
    try:
        record.save()
    except Exception:
        log.exception("The record of request %s could not be written", record.request_id)
