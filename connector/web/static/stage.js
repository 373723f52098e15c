// What is around the film: media-chrome's controls in place of the browser's own, calls to action
// that show while their scenes play, and what is offered at the end. Without this script (or without
// media-chrome) the browser's controls stay and all calls to action are listed under the film.
(() => {
  "use strict";

  // The words come first: each control says its name as soon as it is there.
  const dress = (video, player, stage) => {
    const controls = document.getElementById("controls");
    if (!player || !controls || !customElements.get("media-controller")) return;
    window.MediaChrome.addTranslation(player.lang, JSON.parse(player.dataset.words));
    player.setAttribute("aria-label", video.getAttribute("aria-label"));
    player.append(document.importNode(controls.content, true));
    player.fullscreenElement = stage; // what a scene offers and the end come along
    video.removeAttribute("controls");
    // it says "checked", which plain buttons do not
    player.querySelector("media-captions-button")?.setAttribute("role", "switch");
    const big = player.querySelector(".big");
    video.addEventListener("play", () => {
      const pressed = document.activeElement === big;
      player.classList.add("begun");
      // the large button goes away, and whoever pressed it by key goes on with the small one
      if (pressed) player.querySelector(".keys media-play-button").focus();
    });
  };

  // Two that play at the same time stand side by side or one below the other, never on each other.
  const lanes = (offers) => {
    const ends = [];
    for (const { form, spans } of offers) {
      const [first, last] = [spans[0][0], spans[spans.length - 1][1]];
      let lane = ends.findIndex((end) => end <= first);
      if (lane < 0) lane = ends.length;
      ends[lane] = last;
      form.style.gridRow = lane + 1;
    }
  };

  const time = (video, stage) => {
    const bar = document.getElementById("timed");
    if (!bar) return;
    const offers = [...bar.querySelectorAll("[data-spans]")]
      .map((form) => ({ form, spans: JSON.parse(form.dataset.spans) }))
      .sort((one, other) => one.spans[0][0] - other.spans[0][0]);
    lanes(offers);
    stage.classList.add("directed");
    const show = () => {
      const here = video.currentTime;
      const begun = video.played.length > 0;
      for (const { form, spans } of offers) {
        const due = begun && spans.some(([start, end]) => start <= here && here < end);
        // nothing goes away under a finger that is on it
        form.classList.toggle("due", due || form.contains(document.activeElement));
      }
      bar.classList.toggle("busy", offers.some(({ form }) => form.classList.contains("due")));
    };
    for (const name of ["timeupdate", "seeked", "playing", "ended"]) video.addEventListener(name, show);
    bar.addEventListener("focusout", () => setTimeout(show));
  };

  const finish = (video, stage) => {
    const end = document.getElementById("end");
    if (!end) return;
    const leave = () => {
      const inside = end.contains(document.activeElement);
      end.hidden = true;
      stage.classList.remove("ended");
      if (inside) (stage.querySelector(".keys media-play-button") || video).focus();
    };
    video.addEventListener("ended", () => {
      end.hidden = false;
      stage.classList.add("ended");
    });
    for (const name of ["play", "seeking"]) video.addEventListener(name, leave);
    document.getElementById("shut").addEventListener("click", leave);
    document.getElementById("again").addEventListener("click", () => {
      video.currentTime = 0;
      video.play().catch(() => {}); // the film stands there, its own button starts it
    });
    end.addEventListener("keydown", ({ key }) => { if (key === "Escape") leave(); });
  };

  window.cuereelStage = (video) => {
    const stage = document.getElementById("stage");
    dress(video, video.closest("media-controller"), stage);
    time(video, stage);
    finish(video, stage);
  };

  const ready = document.getElementById("player");
  if (ready) window.cuereelStage(ready);
})();
