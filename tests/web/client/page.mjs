// A page as the measuring client sees it, without a browser: a clock, a film, and who listens.
import { readFileSync } from "node:fs";
import vm from "node:vm";

const SCRIPT = readFileSync(new URL("../../../connector/web/static/player.js", import.meta.url), "utf8");

class Target {
  acts = new Map();

  addEventListener(name, act) {
    this.acts.set(name, [...(this.acts.get(name) ?? []), act]);
  }

  fire(name, says = {}) {
    for (const act of this.acts.get(name) ?? []) act({ type: name, target: this, ...says });
  }
}

// A film's list of tracks, which tells of changes.
export const tracks = (...list) => Object.assign(list, {
  acts: new Map(), addEventListener: Target.prototype.addEventListener, fire: Target.prototype.fire,
});

// A call to action; `visibility` as the page's style has it.
export const offer = (key, visibility = "visible") =>
  Object.assign(new Target(), { elements: { s: { value: "" } }, dataset: { cta: key }, visibility });

// A film of `duration` seconds that plays as far as the page's clock runs.
class Film extends Target {
  dataset = { ticket: "ticket", to: "/e" };
  currentTime = 0;
  playbackRate = 1;
  paused = true;
  ended = false;
  seeking = false;
  stalled = false;
  muted = false;
  volume = 1;
  readyState = 4;
  textTracks = tracks();

  constructor(duration) {
    super();
    this.duration = duration;
  }
}

export class Page {
  beacons = [];
  now = 1_000;
  date = 1_800_000_000_000;
  timers = [];

  constructor({ duration = 60, surroundings = {}, without = [], film = {}, offers = [offer("main")] } = {}) {
    this.film = Object.assign(new Film(duration), film);
    this.window = new Target();
    this.offers = offers;
    this.form = offers[0];
    this.links = { "a.stop": new Target(), "a.beyond": new Target() };
    this.document = Object.assign(new Target(), {
      visibilityState: "visible",
      fullscreenElement: null,
      getElementById: () => this.film,
      querySelectorAll: (selector) => (selector.startsWith("form") ? this.offers : [this.links[selector]]),
    });
    this.navigator = {
      userActivation: { isActive: false },
      sendBeacon: (to, blob) => this.take("beacon", to, blob),
      ...surroundings,
    };
    const page = this;
    this.names = {
      window: this.window,
      document: this.document,
      navigator: this.navigator,
      crypto: globalThis.crypto,
      performance: { now: () => this.now },
      getComputedStyle: ({ visibility }) => ({ visibility }),
      IntersectionObserver: class {
        constructor(act) { page.sight = act; }
        observe() {}
      },
      Date: { now: () => this.date },
      Blob: class { constructor(parts) { this.text = parts.join(""); } },
      fetch: async (to, { body, keepalive }) => page.take(keepalive ? "keepalive" : "fetch", to, body),
      setTimeout: (act, wait) => this.timers.push({ act, due: this.now + wait }),
      clearTimeout: (number) => { if (number) this.timers[number - 1] = null; },
    };
    for (const name of without) delete this.names[name];
    vm.runInNewContext(SCRIPT, this.names);
  }

  take(way, to, { text }) {
    this.beacons.push({ way, to, bytes: Buffer.byteLength(text), ...JSON.parse(text) });
    return true;
  }

  get last() {
    return this.beacons.at(-1);
  }

  // What was played, as [start, end] rounded to tenths; a step of the player's clock may be lost.
  get played() {
    return this.last.r.map(([start, end]) => [Math.round(start * 10) / 10, Math.round(end * 10) / 10]);
  }

  get names_of_events() {
    return this.last.e.map(({ n }) => n);
  }

  // Let time pass in the steps in which browsers tell the position.
  pass(seconds) {
    for (let left = Math.round(seconds * 4); left > 0; left--) {
      this.now += 250;
      this.date += 250;
      this.timers.forEach((timer, index) => {
        if (timer && timer.due <= this.now) {
          this.timers[index] = null;
          timer.act();
        }
      });
      this.advance(0.25);
    }
  }

  advance(seconds) {
    const { film } = this;
    if (film.paused || film.stalled || film.ended) return;
    film.currentTime = Math.min(film.currentTime + seconds * film.playbackRate, film.duration);
    film.fire("timeupdate");
    if (film.currentTime < film.duration) return;
    film.paused = film.ended = true;
    film.fire("pause");
    film.fire("ended");
  }

  // As a person does it, unless told otherwise.
  play({ pressed = true } = {}) {
    this.navigator.userActivation && (this.navigator.userActivation.isActive = pressed);
    this.film.paused = this.film.ended = false;
    this.film.fire("play");
    this.film.fire("playing");
  }

  pause() {
    this.film.paused = true;
    this.film.fire("pause");
  }

  seek(to) {
    this.film.seeking = true;
    this.film.currentTime = to;
    this.film.fire("seeking");
    this.film.fire("timeupdate");
    this.film.seeking = false;
    this.film.fire("seeked");
  }

  faster(rate) {
    this.film.playbackRate = rate;
    this.film.fire("ratechange");
  }

  stall() {
    this.film.stalled = true;
    this.film.fire("waiting");
  }

  flow() {
    this.film.stalled = false;
    this.film.fire("playing");
  }

  look(state) {
    this.document.visibilityState = state;
    this.document.fire("visibilitychange");
  }

  // Scroll until the calls to action are in sight, or are not.
  scroll(isIntersecting) {
    this.sight(this.offers.map((target) => ({ target, isIntersecting })));
  }

  caption(mode) {
    for (const track of this.film.textTracks) track.mode = mode;
    this.film.textTracks.fire("change");
  }

  // Leave and come back by the browser's memory, which keeps the page as it was.
  leaveAndReturn() {
    this.look("hidden");
    this.window.fire("pagehide", { persisted: true });
    this.document.visibilityState = "visible";
    this.window.fire("pageshow", { persisted: true });
  }
}
