// A player: controls above frames that were drawn when the site was made. The controls are
// the browser's own, so keys, fingers and screen readers know them.
"use strict";

function element(name, attributes, ...inside) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...inside);
  return made;
}

// One of the axes of the grid of frames, as a slider or a list to choose from.
function control(axis, id, moved) {
  const label = element("label", {for: id}, axis.label);
  if (axis.kind === "choice") {
    const list = element("select", {id},
      ...axis.values.map((words, i) => element("option", {value: i}, words)));
    list.value = axis.first;
    list.addEventListener("input", moved);
    return {input: list, parts: [label, list]};
  }
  const last = axis.values.length - 1;
  const input = element("input", {id, type: "range", min: 0, max: last, value: axis.first});
  const value = element("span", {class: "player-value", "aria-hidden": true});
  const say = () => {
    value.textContent = axis.values[input.value];
    input.setAttribute("aria-valuetext", axis.values[input.value]);
  };
  input.addEventListener("input", () => { say(); moved(); });
  say();
  return {input, parts: [label, input, value]};
}

function start(player, number) {
  const picture = player.querySelector("img");
  const {axes, words, folder} = JSON.parse(player.querySelector("script").textContent);
  const said = element("p", {class: "player-words", role: "status"});
  const seen = [];

  const address = frame => `${folder}/${String(frame).padStart(3, "0")}.webp`;
  const frame = () => controls.reduce(
    (sum, {input}, i) => sum * axes[i].values.length + Number(input.value), 0);

  function show() {
    picture.src = address(frame());
    said.textContent = words[frame()];
  }

  // From the first touch on, all frames are fetched, so that none is waited for.
  function fetchAll() {
    if (seen.length) return;
    words.forEach((_, i) => { (seen[i] = new Image()).src = address(i); });
  }

  const controls = axes.map(
    (axis, i) => control(axis, `player-${number}-${i}`, show));
  const rows = controls.map(({parts}) => element("div", {class: "player-row"}, ...parts));
  const box = element(
    "div", {class: "player-controls", "data-prevent-swipe": ""}, ...rows);
  for (const event of ["pointerenter", "focusin"]) box.addEventListener(event, fetchAll);
  player.prepend(box);
  if (new Set(words).size > 1) player.append(said);
  said.textContent = words[frame()];
}

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll(".player").forEach(start);
});
