// One slider with its name, its value (a button that puts it back) and what keys and double clicks do.

const STRIP = 5;

// Where the five small pictures of what a slider does will stand; see idle.js. Keys have the slider itself.
function makeStrip(slider, put) {
  const strip = document.createElement("div");
  strip.className = "explore-strip";
  strip.setAttribute("aria-hidden", "true");
  strip.addEventListener("click", (event) => {
    const place = [...strip.children].indexOf(event.target);
    if (place >= 0) put(Number(slider.places[place].toFixed(2)));
  });
  slider.row.append(strip);
  return strip;
}

function makeSlider({ name, hint = "", low, high, step, rest, attribute, index, digits = 1, preview, onInput, onDone }) {
  const row = document.createElement("div");
  row.className = "explore-slider";
  const label = document.createElement("label");
  const title = document.createElement("span");
  title.textContent = name;
  label.append(title);
  if (hint) {
    const small = document.createElement("small");
    small.textContent = hint;
    title.append(" ", small);
  }
  const range = document.createElement("input");
  range.title = "Drag, or press arrow keys; Home or a double click puts it back.";
  Object.assign(range, { type: "range", min: low, max: high, step, value: rest });
  if (attribute) range.setAttribute(attribute, index);
  const value = document.createElement("button");
  value.type = "button";
  value.className = "explore-value";
  value.title = "Back to " + rest;
  value.setAttribute("aria-label", name + ": back to " + rest);
  label.append(range);
  row.append(label, value);

  const slider = {
    row, range, preview,
    places: Array.from({ length: STRIP }, (_, n) => low + ((high - low) * n) / (STRIP - 1)),
    rest,
    show(number) {
      range.value = number;
      const shown = Number(number).toFixed(digits);
      value.textContent = low < 0 && number > 0 ? "+" + shown : shown;
      row.classList.toggle("explore-moved", Math.abs(number - rest) > 1e-9);
      // The track is filled from the slider's rest to its value.
      const share = (value) => (100 * (within(value, low, high) - low)) / (high - low);
      row.style.setProperty("--from", share(Math.min(rest, number)) + "%");
      row.style.setProperty("--to", share(Math.max(rest, number)) + "%");
    },
  };
  const put = (number) => {
    onInput(number);
    slider.show(number);
    onDone(false);
  };
  let byKey = false;
  range.addEventListener("input", () => {
    onInput(Number(range.value));
    slider.show(Number(range.value));
  });
  range.addEventListener("change", () => onDone(byKey));
  range.addEventListener("pointerdown", () => { byKey = false; });
  range.addEventListener("dblclick", () => put(rest));
  range.addEventListener("keydown", (event) => {
    byKey = true;
    if (event.key !== "Home") return;
    event.preventDefault();
    put(rest);
  });
  value.addEventListener("click", () => put(rest));
  if (preview) slider.strip = makeStrip(slider, put);
  slider.show(rest);
  return slider;
}
