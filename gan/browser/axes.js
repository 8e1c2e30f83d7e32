// The two directions that dragging the picture moves along: any sliders there are, or a place between seeds.

const BETWEEN_SEEDS = "seeds";
const MORE_AXES = "more";
const axes = new Map();

const menuOf = (axis) => find(".explore-plane-" + axis);
const amongSeeds = () => menuOf("x").value === BETWEEN_SEEDS;
const axisOf = (axis) => axes.get(menuOf(axis).value);

// A slider as an axis: how far a state is along it, and how to put the present one somewhere.
function axisAlong({ name, index, limit }) {
  return {
    name, limit, shown: name.replace(/^Direction (?=\d+ ·)/, ""),
    amountIn: (target) => target.edits[index] || 0,
    put(amount) {
      while (state.edits.length <= index) state.edits.push(0);
      state.edits[index] = amount;
      sliders.find((slider) => slider.index === index)?.show(amount);
    },
  };
}

function ownAxis(direction) {
  const { name, vector } = direction;
  return {
    name, limit: OWN_LIMIT, shown: name,
    amountIn: (target) => amountOf(target, vector),
    put(amount) {
      setOwn(state, direction, amount);
      ownSliderOf(vector)?.show(amountOf(state, vector));
    },
  };
}

// All sliders that are known by now, by kind: the value of each in a menu, and its axis.
function axesBy(kind) {
  if (kind === "own") return ownDirections().map((direction) => ["own " + direction.vector, ownAxis(direction)]);
  return directionsBy(kind).map((direction) => [String(direction.index), axisAlong(direction)]);
}

function offerAxes() {
  const kinds = Object.keys(METHODS).map((kind) => [METHODS[kind][0], axesBy(kind)]).filter(([, found]) => found.length);
  axes.clear();
  for (const [value, axis] of kinds.flatMap(([, found]) => found)) axes.set(value, axis);
  for (const [place, axis] of ["x", "y"].entries()) {
    const menu = menuOf(axis);
    const chosen = menu.value;
    menu.replaceChildren(...kinds.map(([label, found]) => {
      const group = document.createElement("optgroup");
      group.label = label;
      group.append(...found.map(([value, { shown }]) => new Option(shown, value)));
      return group;
    }));
    if (!model.complete) menu.append(new Option(model.looking ? "Looking for more directions" : "More directions", MORE_AXES));
    if (axis === "x") menu.append(new Option("Between four seeds", BETWEEN_SEEDS));
    const there = [...menu.options].some(({ value }) => value === chosen && value !== MORE_AXES);
    menu.value = there ? chosen : [...axes.keys()][Math.min(place, axes.size - 1)];
    menu.dataset.chosen = menu.value;
  }
}

// What a generator that was just opened offers.
function beginAxes() {
  for (const axis of ["x", "y"]) menuOf(axis).replaceChildren();
  offerAxes();
  if (state.between && state.between.seeds[0] !== state.between.seeds[2]) {
    menuOf("x").value = BETWEEN_SEEDS;
    find(".explore-plane-seeds").value = state.between.seeds.join(", ");
  }
  showPlane();
}

function showPlane() {
  menuOf("y").closest("label").hidden = amongSeeds();
  find(".explore-plane-seeds").closest("label").hidden = !amongSeeds();
}

// The further directions take the server a while: until they come, the menu moves along what it moved along before.
async function chooseAxis({ target: menu }) {
  if (menu.value !== MORE_AXES) menu.dataset.chosen = menu.value;
  else {
    menu.value = menu.dataset.chosen;
    const asked = model;
    const found = lookFurther();
    offerAxes();
    await found;
    if (model === asked) offerAxes();
  }
  showPlane();
}

function goAlong(axis, by, from) {
  const along = axisOf(axis);
  if (along) along.put(Number(within(along.amountIn(from) + by * 2 * along.limit, -along.limit, along.limit).toFixed(2)));
}

for (const axis of ["x", "y"]) menuOf(axis).addEventListener("change", chooseAxis);
