// Measures playback: which stretches were played, in order, so that a rewatch is seen as one.
// Every beacon carries the whole session and a growing number; losing some loses nothing.
// Talks to the <video> element only, whatever controls are around it. Wire format: web/wire.py.
(() => {
  "use strict";
  const DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  const MOST_SEGMENTS = 200, MOST_EVENTS = 20, JUMP = 1.5;

  const ulid = () => {
    let time = Date.now(), text = "";
    for (let i = 0; i < 10; i++, time = Math.floor(time / 32)) text = DIGITS[time % 32] + text;
    for (const byte of crypto.getRandomValues(new Uint8Array(16))) text += DIGITS[byte % 32];
    return text;
  };
  const round = (number) => Math.round(number * 100) / 100;
  const active = () => !!(navigator.userActivation && navigator.userActivation.isActive);

  // The same seconds without their order and repeats: only for a session that is longer than allowed.
  const merged = (list) => {
    const result = [];
    for (const [start, end, rate] of [...list].sort((a, b) => a[0] - b[0])) {
      const last = result[result.length - 1];
      if (last && start <= last[1]) last[1] = Math.max(last[1], end);
      else result.push([start, end, rate]);
    }
    return result;
  };

  window.cuereelMeasure = (video, gesture = false) => {
    const { ticket, to } = video.dataset;
    if (!ticket || video.dataset.session) return;
    const id = (video.dataset.session = ulid());
    const form = document.querySelector("form.action");
    if (form) form.elements.s.value = id;

    let segments = [], open = null; // open: [start, rate] of the stretch that is playing
    let at = 0, seenAt = 0; // last position that was reached by playing, and when
    let played = 0, sent = 0, number = 0, last = "";
    let stalledAt = 0, stalled = 0, stallTimer = 0, pressedAt = 0, startup = 0, errors = 0;
    let touched = gesture, input = gesture, started = false, seen = false;
    const events = [];

    const note = (name) => {
      if (events.length < MOST_EVENTS) {
        events.push({ i: ulid(), n: name, pos: round(video.currentTime), at: Date.now() });
      }
    };

    const begin = () => {
      if (document.visibilityState === "visible") seen = true;
      if (open) return;
      open = [video.currentTime, video.playbackRate];
      at = video.currentTime;
      seenAt = performance.now();
    };

    const end = () => {
      if (!open) return;
      const [start, rate] = open, tail = segments[segments.length - 1];
      open = null;
      if (at - start < 0.05) return;
      if (tail && tail[2] === rate && Math.abs(tail[1] - start) < 0.1) tail[1] = round(at);
      else segments.push([round(start), round(at), rate]);
      if (segments.length >= MOST_SEGMENTS) {
        segments = merged(segments.slice(0, 100)).concat(segments.slice(100));
      }
    };

    // Follows the playhead; a step that playing cannot explain is a jump, and begins a new stretch.
    const follow = () => {
      if (video.seeking) return;
      const here = video.currentTime, clock = performance.now();
      if (document.visibilityState === "visible") seen = true;
      if (!open) {
        if (!video.paused && !video.ended && video.readyState > 2) begin();
        return;
      }
      const step = here - at, most = ((clock - seenAt) / 1000 + JUMP) * open[1];
      if (step < -0.05 || step > most) {
        end();
        begin();
      } else if (step > 0) {
        played += step / open[1];
        at = here;
      }
      seenAt = clock;
    };

    const flags = () => ({
      g: +touched, m: +(video.muted || video.volume === 0), fs: +!!document.fullscreenElement,
      cc: +[...video.textTracks].some((t) => t.kind === "captions" && t.mode === "showing"),
      vis: +seen, wd: +!!navigator.webdriver, inp: +input,
      dnt: +(navigator.globalPrivacyControl === true || navigator.doNotTrack === "1"),
    });

    const send = () => {
      const r = open && at - open[0] >= 0.05 ? [...segments, [round(open[0]), round(at), open[1]]] : segments;
      const state = {
        d: round(video.duration || 0), r, p: round(video.currentTime), f: flags(), e: events,
        k: { st: Math.round(startup), sl: round(stalled / 1000), er: errors },
      };
      const text = JSON.stringify([r, state.p, events.length, touched]);
      if (text === last) return;
      last = text;
      sent = played;
      const body = JSON.stringify({ v: 1, t: ticket, s: id, q: ++number, at: Date.now(), ...state });
      const blob = new Blob([body], { type: "text/plain" });
      if (!(navigator.sendBeacon && navigator.sendBeacon(to, blob))) {
        fetch(to, { method: "POST", body: blob, keepalive: true }).catch(() => {});
      }
    };

    const touch = () => { if (active()) touched = true; };
    const resume = () => {
      clearTimeout(stallTimer);
      if (stalledAt) stalled += performance.now() - stalledAt;
      stalledAt = 0;
      if (pressedAt && !startup) startup = performance.now() - pressedAt;
      begin();
    };

    const on = (name, act) => video.addEventListener(name, act);
    on("play", () => {
      touch();
      pressedAt = pressedAt || performance.now();
      if (!started) note("play");
      started = true;
    });
    on("playing", resume);
    on("timeupdate", () => {
      follow();
      if (played - sent >= (video.duration < 60 ? 5 : 10)) send();
    });
    on("pause", () => { follow(); touch(); end(); send(); });
    on("ended", () => { follow(); end(); note("complete"); send(); });
    on("seeking", () => { touch(); end(); });
    on("seeked", follow);
    on("ratechange", () => { if (open) { follow(); end(); begin(); } });
    on("volumechange", touch);
    on("waiting", () => {
      stalledAt = stalledAt || performance.now();
      clearTimeout(stallTimer);
      stallTimer = setTimeout(end, 1000);
    });
    on("error", () => { errors++; note("error"); send(); });

    for (const name of ["pointermove", "pointerdown", "keydown", "touchstart", "wheel"]) {
      addEventListener(name, (event) => { if (event.isTrusted && !started) input = true; }, { passive: true });
    }
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") { follow(); send(); }
    });
    addEventListener("pagehide", () => { follow(); send(); });
    if (form) form.addEventListener("submit", () => { follow(); send(); });

    // A load counts once the film is known and the page was looked at for a second.
    const loaded = () => setTimeout(() => {
      if (document.visibilityState === "visible") { note("load"); send(); }
    }, 1000);
    if (video.readyState > 0) loaded();
    else video.addEventListener("loadedmetadata", loaded, { once: true });
    if (!video.paused) begin();
  };

  const video = document.getElementById("player");
  if (video) window.cuereelMeasure(video);
})();
