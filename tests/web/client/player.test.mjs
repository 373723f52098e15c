// What the measuring client tells of a film that is played, and what it never does.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Page, offer, tracks } from "./page.mjs";

const ULID = /^[0-9A-HJKMNP-TV-Z]{26}$/;

test("a film that is played for a while is one stretch", () => {
  const page = new Page();
  page.play();
  page.pass(7);
  page.pause();
  assert.deepEqual(page.played, [[0, 7]]);
  assert.equal(page.last.p, 7);
  assert.equal(page.last.d, 60);
});

test("every beacon is the whole session, with its name and a growing number", () => {
  const page = new Page();
  page.play();
  page.pass(3);
  page.pause();
  page.play();
  page.pass(4);
  page.pause();
  assert.deepEqual(page.beacons.map(({ q }) => q), page.beacons.map((_, index) => index + 1));
  assert.equal(new Set(page.beacons.map(({ s }) => s)).size, 1);
  assert.match(page.last.s, ULID);
  assert.equal(page.form.elements.s.value, page.last.s);
  assert.equal(page.last.t, "ticket");
  assert.deepEqual(page.played, [[0, 7]]);
});

test("a long film tells every ten seconds of playing, a short one every five", () => {
  for (const [duration, expected] of [[300, 3], [59, 6]]) {
    const page = new Page({ duration });
    page.pass(1.25);
    const before = page.beacons.length;
    page.play();
    page.pass(30);
    assert.equal(page.beacons.length - before, expected);
  }
});

test("going back is a second stretch over the same seconds", () => {
  const page = new Page();
  page.play();
  page.pass(6);
  page.seek(2);
  page.pass(3);
  page.pause();
  assert.deepEqual(page.played, [[0, 6], [2, 5]]);
});

test("skipping ahead claims nothing of what was skipped", () => {
  const page = new Page();
  page.play();
  page.pass(2);
  page.seek(40);
  page.pass(2);
  page.pause();
  assert.deepEqual(page.played, [[0, 2], [40, 42]]);
});

test("a jump that no event announces is no playing either", () => {
  const page = new Page();
  page.play();
  page.pass(2);
  page.film.currentTime = 30;
  page.pass(2);
  page.pause();
  assert.deepEqual(page.played, [[0, 2], [30.3, 32]]);
});

test("seeking about in a paused film plays nothing", () => {
  const page = new Page();
  for (const position of [10, 20, 5]) page.seek(position);
  page.look("hidden");
  assert.deepEqual(page.last.r, []);
  assert.equal(page.last.f.vis, 0);
});

test("another speed is another stretch, with its rate", () => {
  const page = new Page();
  page.play();
  page.pass(2);
  page.faster(2);
  page.pass(3);
  page.faster(1.2000000476837158);
  page.pass(1);
  page.pause();
  assert.deepEqual(page.last.r, [[0, 2, 1], [2, 8, 2], [8, 9.2, 1.2]]);
});

test("hiding the page tells at once what was played, and playing on is still measured", () => {
  const page = new Page();
  page.play();
  page.pass(3);
  page.look("hidden");
  assert.deepEqual(page.played, [[0, 3]]);
  page.pass(4);
  page.window.fire("pagehide");
  assert.deepEqual(page.played, [[0, 7]]);
  assert.equal(page.last.f.vis, 1);
});

test("a film that plays only behind other windows was never visible", () => {
  const page = new Page();
  page.look("hidden");
  page.play();
  page.pass(8);
  page.pause();
  assert.equal(page.last.f.vis, 0);
  assert.deepEqual(page.played, [[0, 8]]);
});

test("leaving twice tells nothing twice", () => {
  const page = new Page();
  page.play();
  page.pass(3);
  page.look("hidden");
  const told = page.beacons.length;
  page.window.fire("pagehide");
  assert.equal(page.beacons.length, told);
});

test("the end is told with all that was played", () => {
  const page = new Page({ duration: 8 });
  page.play();
  page.pass(9);
  assert.deepEqual(page.played, [[0, 8]]);
  assert.deepEqual(page.names_of_events, ["play", "load", "complete"]);
  assert.ok(page.last.e.every(({ i }) => ULID.test(i)));
});

test("playing again after the end is a rewatch from the beginning", () => {
  const page = new Page({ duration: 8 });
  page.play();
  page.pass(9);
  page.seek(0);
  page.play();
  page.pass(3);
  page.pause();
  assert.deepEqual(page.played, [[0, 8], [0, 3]]);
});

test("waiting for data is a stall and no playing", () => {
  const page = new Page();
  page.play();
  page.pass(3);
  page.stall();
  page.pass(4);
  page.flow();
  page.pass(2);
  page.pause();
  assert.equal(page.last.k.sl, 4);
  assert.deepEqual(page.played, [[0, 5]]);
});

test("who gives up while the film stalls still tells of the stall", () => {
  const page = new Page();
  page.play();
  page.pass(3);
  page.stall();
  page.pass(6);
  page.look("hidden");
  assert.equal(page.last.k.sl, 6);
});

test("a slow start is its own figure", () => {
  const page = new Page();
  page.film.paused = false;
  page.film.stalled = true;
  page.film.fire("play");
  page.film.fire("waiting");
  page.pass(2);
  page.flow();
  page.pass(1);
  page.pause();
  assert.deepEqual([page.last.k.st, page.last.k.sl], [2000, 0]);
  assert.deepEqual(page.played, [[0, 1]]);
});

test("a film that cannot be played is an error, captions that cannot be had are none", () => {
  const page = new Page();
  page.film.fire("error", { target: { localName: "track" } });
  assert.equal(page.beacons.length, 0);
  page.film.fire("error", { target: { localName: "source" } });
  assert.equal(page.last.k.er, 1);
  assert.deepEqual(page.names_of_events, ["error"]);
});

test("a page that comes back from the browser's memory is a new session", () => {
  const page = new Page();
  page.play();
  page.pass(3);
  page.pause();
  const first = page.last;
  page.leaveAndReturn();
  page.pass(1.25);
  assert.notEqual(page.last.s, first.s);
  assert.deepEqual([page.last.q, page.last.r, page.names_of_events], [1, [], ["load"]]);
  assert.deepEqual([page.last.f.g, page.last.f.inp], [0, 0]);
  assert.equal(page.form.elements.s.value, page.last.s);
  page.play();
  page.pass(2);
  page.pause();
  assert.deepEqual(page.played, [[3, 5]]);
  assert.deepEqual(page.names_of_events, ["load", "play"]);
});

test("a page that is shown for the first time stays one session", () => {
  const page = new Page();
  const before = page.film.dataset.session;
  page.window.fire("pageshow", { persisted: false });
  assert.equal(page.film.dataset.session, before);
});

test("three hundred jumps fit into a beacon, and no second is invented", () => {
  const page = new Page({ duration: 4000 });
  const seconds = new Set();
  page.play();
  for (let jump = 0; jump < 300; jump++) {
    const to = (jump * 1237) % 3990;
    page.seek(to);
    page.pass(jump % 2 ? 1.5 : 3);
    for (let at = to; at < to + 3; at++) seconds.add(at);
  }
  page.pause();
  assert.ok(Math.max(...page.beacons.map(({ r }) => r.length)) <= 200);
  assert.ok(Math.max(...page.beacons.map(({ bytes }) => bytes)) < 8192);
  for (const [start, end] of page.last.r) {
    for (let at = Math.floor(start); at < end - 0.01; at++) assert.ok(seconds.has(at), `${at} was never played`);
  }
  const latest = (299 * 1237) % 3990;
  assert.deepEqual(page.last.r.at(-1), [latest, latest + 1.5, 1]);
});

test("three hundred rewatches lose none of the different seconds", () => {
  const page = new Page({ duration: 100 });
  page.play();
  for (let jump = 0; jump < 300; jump++) {
    page.seek((jump * 37) % 90);
    page.pass(3);
  }
  page.pause();
  assert.ok(page.last.r.length <= 200);
  const second = (at) => page.last.r.some(([start, end]) => start <= at && at + 1 <= end);
  assert.ok(Array.from({ length: 90 }, (_, at) => second(at)).every(Boolean));
});

test("a wall clock that jumps changes nothing of what was played", () => {
  for (const jump of [86_400_000, -86_400_000, -9e15]) {
    const page = new Page();
    page.play();
    page.pass(3);
    page.date += jump;
    page.pass(3);
    page.pause();
    assert.deepEqual(page.played, [[0, 6]]);
    assert.ok(page.last.at >= 0);
  }
});

test("a machine that slept in the middle plays no more than it played", () => {
  const page = new Page();
  page.play();
  page.pass(3);
  page.now += 3_600_000;
  page.pass(2);
  page.pause();
  assert.deepEqual(page.played, [[0, 5]]);
});

test("a load is told once, after the page was looked at for a second", () => {
  const page = new Page();
  page.look("hidden");
  page.pass(5);
  assert.deepEqual(page.beacons.flatMap(({ e }) => e), []);
  page.look("visible");
  page.pass(0.5);
  page.look("hidden");
  page.look("visible");
  page.pass(0.75);
  assert.deepEqual(page.beacons.flatMap(({ e }) => e), []);
  page.pass(0.5);
  assert.deepEqual(page.names_of_events, ["load"]);
  page.look("hidden");
  page.look("visible");
  page.pass(3);
  assert.deepEqual(page.names_of_events, ["load"]);
});

test("a film whose length is not known yet is not loaded", () => {
  const page = new Page({ film: { readyState: 0, duration: NaN } });
  page.pass(3);
  assert.equal(page.beacons.length, 0);
  Object.assign(page.film, { readyState: 1, duration: 20 });
  page.film.fire("loadedmetadata");
  page.pass(1.25);
  assert.deepEqual([page.last.d, page.names_of_events], [20, ["load"]]);
});

test("a stream without an end has no length, and still a beacon", () => {
  const page = new Page({ film: { duration: Infinity } });
  page.play();
  page.pass(3);
  page.pause();
  assert.equal(page.last.d, 0);
});

test("only a press is a gesture", () => {
  for (const pressed of [true, false]) {
    const page = new Page();
    page.play({ pressed });
    page.pass(3);
    page.look("hidden");
    assert.equal(page.last.f.g, +pressed);
  }
});

test("a browser that does not tell of gestures is watched for real inputs", () => {
  for (const [isTrusted, wait, expected] of [[true, 0, 1], [true, 5, 0], [false, 0, 0]]) {
    const page = new Page({ surroundings: { userActivation: undefined } });
    page.window.fire("pointerdown", { isTrusted });
    page.pass(wait);
    page.play();
    page.pass(2);
    page.look("hidden");
    assert.equal(page.last.f.g, expected);
  }
});

test("inputs count that come before the first play, and real ones only", () => {
  for (const [isTrusted, early, expected] of [[true, true, 1], [false, true, 0], [true, false, 0]]) {
    const page = new Page();
    if (early) page.window.fire("pointermove", { isTrusted });
    page.play({ pressed: false });
    if (!early) page.window.fire("pointermove", { isTrusted });
    page.pass(2);
    page.pause();
    assert.equal(page.last.f.inp, expected);
  }
});

test("the browser's own word for a press is an input too: its controls keep touches to themselves", () => {
  const page = new Page();
  page.play();
  page.pass(2);
  page.pause();
  assert.equal(page.last.f.inp, 1);
});

test("the wish not to be tracked and software at the wheel are told", () => {
  const flag = (name, surroundings) => {
    const page = new Page({ surroundings });
    page.look("hidden");
    return page.last.f[name];
  };
  assert.equal(flag("dnt", {}), 0);
  assert.equal(flag("dnt", { globalPrivacyControl: true }), 1);
  assert.equal(flag("dnt", { doNotTrack: "1" }), 1);
  assert.equal(flag("dnt", { doNotTrack: "0" }), 0);
  assert.equal(flag("wd", { webdriver: true }), 1);
});

test("sound, captions and full screen are told as they are", () => {
  const page = new Page({ film: { muted: true, textTracks: tracks({ kind: "captions", mode: "showing" }) } });
  page.document.fullscreenElement = page.film;
  page.look("hidden");
  assert.deepEqual([page.last.f.m, page.last.f.cc, page.last.f.fs], [1, 1, 1]);
});

test("what the browser's queue does not take goes by a request that outlives the page", () => {
  const refusals = [() => false, undefined, () => { throw new TypeError("no"); }];
  for (const sendBeacon of refusals) {
    const page = new Page({ surroundings: { sendBeacon } });
    page.look("hidden");
    assert.deepEqual([page.last.way, page.last.to, page.last.q], ["keepalive", "/e", 1]);
  }
});

test("the press on the call to action takes the newest state along", () => {
  const page = new Page();
  page.play();
  page.pass(3);
  page.form.fire("submit");
  assert.deepEqual(page.played, [[0, 3]]);
});

const keys = (page) => page.last.e.filter(({ n }) => n === "cta_view").map(({ c }) => c);

test("a call to action that is in sight for a second was seen, and once only", () => {
  const page = new Page();
  page.scroll(true);
  page.pass(0.5);
  page.scroll(false);
  page.pass(3);
  page.look("hidden");
  assert.deepEqual(keys(page), []);
  page.look("visible");
  for (let time = 0; time < 2; time++) {
    page.scroll(true);
    page.pass(1.5);
    page.scroll(false);
  }
  page.look("hidden");
  assert.deepEqual(keys(page), ["main"]);
});

test("a call to action behind other windows was not seen", () => {
  const page = new Page();
  page.look("hidden");
  page.scroll(true);
  page.pass(5);
  page.window.fire("pagehide");
  assert.deepEqual(keys(page), []);
  page.look("visible");
  page.pass(1.5);
  page.look("hidden");
  assert.deepEqual(keys(page), ["main"]);
});

test("a call to action of a scene was seen when its scene has played for a second", () => {
  const advisor = offer("advisor", "hidden");
  const page = new Page({ offers: [offer("main"), advisor] });
  page.scroll(true);
  page.play();
  page.pass(3);
  page.look("hidden");
  assert.deepEqual(keys(page), ["main"]);
  page.look("visible");
  advisor.visibility = "visible";
  page.pass(1.5);
  page.pause();
  assert.deepEqual(keys(page), ["main", "advisor"]);
});

test("the same call to action in two places is told once", () => {
  const page = new Page({ offers: [offer("main"), offer("main")] });
  page.scroll(true);
  page.pass(1.5);
  page.look("hidden");
  assert.deepEqual(keys(page), ["main"]);
  assert.deepEqual(page.offers.map(({ elements }) => elements.s.value), [page.last.s, page.last.s]);
});

test("a call to action that is in sight when a page comes back is seen in the new session too", () => {
  const page = new Page();
  page.scroll(true);
  page.pass(1.5);
  page.leaveAndReturn();
  page.pass(1.5);
  page.look("hidden");
  assert.deepEqual(keys(page), ["main"]);
});

test("captions and speed are told once, when a person switches them", () => {
  const page = new Page({ film: { textTracks: tracks({ kind: "captions", mode: "disabled" }) } });
  page.play();
  page.pass(2);
  for (const mode of ["showing", "disabled", "showing"]) page.caption(mode);
  for (const rate of [1.5, 1, 2]) page.faster(rate);
  page.pause();
  assert.deepEqual(page.names_of_events, ["play", "load", "captions_on", "rate"]);
});

test("captions and speed that change by themselves are nobody's choice", () => {
  const page = new Page({ film: { textTracks: tracks({ kind: "captions", mode: "disabled" }) } });
  page.play();
  page.film.muted = true;
  page.caption("showing");
  page.film.muted = false;
  page.caption("disabled");
  page.navigator.userActivation.isActive = false;
  page.caption("showing");
  page.faster(2);
  page.pause();
  assert.deepEqual(page.names_of_events, ["play"]);
});

test("the way to the opt-out is told as it is taken", () => {
  const page = new Page();
  page.play();
  page.pass(2);
  for (let time = 0; time < 2; time++) page.links["a.stop"].fire("click");
  assert.deepEqual(page.names_of_events, ["play", "load", "unsubscribe_open"]);
  assert.deepEqual(page.played, [[0, 2]]);
});

test("the link that no person can see tells who follows it, and nothing where nobody does", () => {
  const page = new Page();
  page.look("hidden");
  assert.equal("hp" in page.last.f, false);
  page.links["a.beyond"].fire("click");
  assert.equal(page.last.f.hp, 1);
});

test("without a ticket nothing is measured", () => {
  const page = new Page({ film: { dataset: {} } });
  page.play();
  page.pass(10);
  page.look("hidden");
  assert.deepEqual([page.beacons, page.film.dataset.session], [[], undefined]);
});

test("a player is measured once, however often that is asked for", () => {
  const page = new Page();
  page.window.cuereelMeasure(page.film);
  page.look("hidden");
  assert.equal(page.beacons.length, 1);
});

test("nothing that is missing or broken is ever heard of by the page", () => {
  for (const without of [["crypto"], ["performance"], ["Blob"], ["fetch", "navigator"], ["setTimeout"]]) {
    const page = new Page({ without });
    page.play();
    page.pass(7);
    page.stall();
    page.film.fire("error");
    page.seek(2);
    page.look("hidden");
    page.leaveAndReturn();
    assert.deepEqual(page.beacons.filter(({ v }) => v !== 1), []);
  }
  const broken = { get textTracks() { throw new Error("no tracks"); } };
  const page = new Page();
  Object.defineProperty(page.film, "textTracks", Object.getOwnPropertyDescriptor(broken, "textTracks"));
  page.play();
  page.pass(7);
  assert.equal(page.beacons.length, 0);
});

test("a page without a film is left alone", () => {
  const page = new Page({ film: { dataset: undefined } });
  page.look("hidden");
  page.window.cuereelMeasure(null);
  assert.equal(page.beacons.length, 0);
});
