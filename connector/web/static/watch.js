// The page's own behaviour, apart from measuring: lists the scenes, shows captions where there is no
// sound, has a waiting video made, and plays it once it is ready. Without this script the film plays
// all the same, the buttons open it, and a <noscript> refresh takes the place of waiting.
(() => {
  "use strict";
  const clock = (seconds) =>
    `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

  const sceneButton = (video, cue) => {
    const button = document.createElement("button");
    const time = document.createElement("span");
    time.className = "time";
    time.textContent = clock(cue.startTime);
    button.type = "button";
    button.append(time, " ", cue.getCueAsHTML().textContent);
    button.addEventListener("click", () => {
      video.currentTime = cue.startTime;
      video.play().catch(() => {}); // the film stands there, its own button starts it
    });
    return button;
  };

  // One scene needs no list, and a list with a nameless scene helps nobody.
  const fillScenes = (video, cues, nav) => {
    if (cues.length < 2 || !cues.every((cue) => cue.text.trim())) return;
    const buttons = cues.map((cue) => sceneButton(video, cue));
    nav.querySelector("ol").replaceChildren(...buttons.map((button) => {
      const item = document.createElement("li");
      item.append(button);
      return item;
    }));
    nav.hidden = false;
    const now = document.querySelector(".timed .now");
    const name = (cue) => { if (now) now.textContent = cue.getCueAsHTML().textContent; };
    name(cues[0]);
    video.addEventListener("timeupdate", () => {
      const here = cues.findLastIndex((cue) => cue.startTime <= video.currentTime + 0.05);
      if (here >= 0) name(cues[here]);
      buttons.forEach((button, index) => {
        if (index === here) button.setAttribute("aria-current", "true");
        else button.removeAttribute("aria-current");
      });
    });
  };

  const listScenes = (video) => {
    const nav = document.getElementById("chapters");
    const element = video.querySelector('track[kind="chapters"]');
    if (!nav || !element) return;
    const fill = () => fillScenes(video, [...(element.track.cues || [])], nav);
    if (element.readyState === 2) fill();
    else element.addEventListener("load", fill, { once: true });
    element.track.mode = "hidden"; // loads it and draws nothing
  };

  // Whoever turns the sound off reads; captions that were off before go again with the sound back.
  const captionWhenSilent = (video) => {
    const isSilent = () => video.muted || video.volume === 0;
    let silent = isSilent();
    let added = [];
    video.addEventListener("volumechange", () => {
      if (isSilent() === silent) return;
      silent = isSilent();
      if (silent) {
        const tracks = [...video.textTracks].filter((track) => track.kind === "captions");
        added = tracks.some((track) => track.mode === "showing") ? [] : tracks.slice(0, 1);
      }
      for (const track of added) track.mode = silent ? "showing" : "disabled";
    });
  };

  const enrich = (video) => {
    listScenes(video);
    captionWhenSilent(video);
  };

  const ready = document.getElementById("player");
  if (ready) enrich(ready);
  const making = document.getElementById("making");
  if (!making) return;
  const progress = document.getElementById("progress");
  const start = document.getElementById("start");
  let wanted = false; // the viewer pressed play, so sound is expected
  let asked = false;

  const show = () => {
    if (start) start.hidden = true;
    progress.hidden = false;
  };

  const open = () => {
    if (asked || !making.dataset.open) return;
    asked = true;
    // one that hangs on its way must not keep the next poll from asking again
    const signal = AbortSignal.timeout(6000);
    fetch(making.dataset.open, { method: "POST", redirect: "manual", signal })
      .then((answer) => {
        // the answer to a form is a redirect, which a script sees without following it
        if (answer.type !== "opaqueredirect") throw new Error(answer.status);
        show();
      })
      .catch(() => { asked = false; }); // the next poll tries again
  };

  const openWhenSeen = () => {
    if (document.visibilityState === "visible") open();
  };

  // The new page is put in place of this one instead of loading it: a browser that saw the viewer
  // press play here lets the video start with sound.
  const swap = async () => {
    const text = await (await fetch(location.href, { cache: "no-store" })).text();
    // the head's style has that page's own nonce, which this page would report as a breach
    const body = text.replace(/<head>[\s\S]*?<\/head>/i, "");
    const next = new DOMParser().parseFromString(body, "text/html");
    for (const part of ["main", "footer"]) {
      const old = document.querySelector(part);
      const fresh = next.querySelector(part);
      if (old && fresh) old.replaceWith(document.adoptNode(fresh));
    }
    const video = document.getElementById("player");
    if (!video) return location.reload();
    enrich(video);
    if (window.cuereelStage) window.cuereelStage(video);
    if (window.cuereelMeasure) window.cuereelMeasure(video, wanted);
    play(video);
  };

  const play = async (video) => {
    try {
      await video.play();
    } catch {
      video.muted = true;
      video.play().catch(() => {}); // the poster and its button stay
    }
    if (wanted) (document.querySelector(".keys media-play-button") || video).focus();
  };

  // a short film is made within a second: asked soon at first, then ever more rarely
  let wait = 250;
  const poll = async () => {
    wait = Math.min(wait * 1.2, 4000);
    if (document.visibilityState === "visible") {
      open();
      try {
        const answer = await fetch(making.dataset.status, { cache: "no-store" });
        const state = answer.ok ? await answer.json() : { coming: answer.status >= 500 };
        if (state.ready) return swap();
        if (!state.coming) return location.reload();
      } catch {
        // offline for a moment: ask again
      }
    }
    setTimeout(poll, wait);
  };

  if (start) {
    start.addEventListener("submit", (event) => {
      event.preventDefault();
      wanted = true;
      show();
      open();
    });
    document.addEventListener("visibilitychange", openWhenSeen);
    openWhenSeen();
  }
  setTimeout(poll, wait);
})();
