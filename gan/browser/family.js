// The family of a favourite as a tree: a row for each generation, the oldest on top, a line to every child.

const COLUMN = 84;
const ROW = 108;
const FACE = 64;
const SVG = "http://www.w3.org/2000/svg";

// A parent was liked before its child; a file that claims otherwise cannot make somebody their own ancestor.
const isParent = (one, other) => other.parents.includes(one.key) && liked.indexOf(one) < liked.indexOf(other);
const parentsIn = (favourite, members) => members.filter((each) => isParent(each, favourite));
const childrenIn = (favourite, members) => members.filter((each) => isParent(favourite, each));

// Everybody whom lines of parents and children join with this one, in the order of the favourites.
function familyOf(favourite) {
  const found = new Set([favourite]);
  for (const member of found) {
    for (const relative of [...parentsIn(member, liked), ...childrenIn(member, liked)]) found.add(relative);
  }
  return liked.filter((each) => found.has(each));
}

// The generation of each member by its key, 0 for the oldest: one more than that of the younger parent. Whoever
// has no parents stands just above the first of its children.
function generationsOf(members) {
  const found = new Map();
  for (const member of members) {
    const parents = parentsIn(member, members).map(({ key }) => found.get(key));
    found.set(member.key, parents.length ? 1 + Math.max(...parents) : 0);
  }
  for (const member of members) {
    const children = childrenIn(member, members).map(({ key }) => found.get(key));
    if (!found.get(member.key) && children.length) found.set(member.key, Math.min(...children) - 1);
  }
  return found;
}

// Where each member stands, in columns and rows: children as near as they can to the middle of their parents.
function placesOf(members) {
  const generations = generationsOf(members);
  const places = new Map();
  for (const row of [...new Set(generations.values())].sort((a, b) => a - b)) {
    const wished = members.filter(({ key }) => generations.get(key) === row).map((member) => {
      const above = parentsIn(member, members).map(({ key }) => places.get(key)).filter(Boolean);
      return { member, x: above.length ? above.reduce((sum, { x }) => sum + x, 0) / above.length : places.size };
    });
    wished.sort((a, b) => a.x - b.x);
    const middle = wished.reduce((sum, { x }) => sum + x, 0) / wished.length;
    let next = -Infinity;
    const taken = wished.map(({ x }) => { next = Math.max(next + 1, x); return next; });
    const shift = middle - taken.reduce((sum, x) => sum + x, 0) / taken.length;
    wished.forEach(({ member }, index) => places.set(member.key, { x: taken[index] + shift, y: row }));
  }
  const left = Math.min(...[...places.values()].map(({ x }) => x));
  for (const place of places.values()) place.x -= left;
  return places;
}

function familyLines(members, places, current) {
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("aria-hidden", "true");
  for (const child of members) {
    for (const parent of parentsIn(child, members)) {
      const [from, to] = [places.get(parent.key), places.get(child.key)];
      const [x, y] = [from.x * COLUMN + FACE / 2, from.y * ROW + FACE];
      const [toX, toY] = [to.x * COLUMN + FACE / 2, to.y * ROW];
      const line = document.createElementNS(SVG, "path");
      line.setAttribute("d", `M${x} ${y}C${x} ${(y + toY) / 2} ${toX} ${(y + toY) / 2} ${toX} ${toY}`);
      line.classList.toggle("explore-kin", [parent.key, child.key].includes(current.key));
      drawing.append(line);
    }
  }
  return drawing;
}

function familyName(member, members, row) {
  const parents = parentsIn(member, members).map(likedName);
  return likedName(member) + ", generation " + (row + 1) + (parents.length ? ", child of " + parents.join(" and ") : "");
}

function familyTree(favourite) {
  const members = familyOf(favourite);
  if (members.length < 2) return [];
  const places = placesOf(members);
  const tree = document.createElement("div");
  tree.className = "explore-tree";
  tree.append(familyLines(members, places, favourite));
  for (const member of members) {
    const { x, y } = places.get(member.key);
    const button = pictureButton(member.state, familyName(member, members, y), () => showInFamily(member.key));
    button.dataset.member = member.key;
    if (member === favourite) button.setAttribute("aria-current", "true");
    button.style.left = x * COLUMN + "px";
    button.style.top = y * ROW + "px";
    tree.append(button);
  }
  tree.style.width = Math.max(...[...places.values()].map(({ x }) => x)) * COLUMN + FACE + "px";
  tree.style.height = Math.max(...[...places.values()].map(({ y }) => y)) * ROW + FACE + "px";
  tree.addEventListener("keydown", (event) => walkTree(event, members, places));
  return [tree];
}

function showInFamily(key) {
  showChosen(key);
  find('.explore-tree [data-member="' + key + '"]')?.focus({ preventScroll: true });
}

// Arrow keys: up to the parents, down to the children, sideways within a generation.
function walkTree(event, members, places) {
  const member = members.find(({ key }) => key === event.target.dataset.member);
  const { x, y } = places.get(member?.key) || {};
  const ways = {
    ArrowUp: () => parentsIn(member, members),
    ArrowDown: () => childrenIn(member, members),
    ArrowLeft: () => members.filter(({ key }) => places.get(key).y === y && places.get(key).x < x),
    ArrowRight: () => members.filter(({ key }) => places.get(key).y === y && places.get(key).x > x),
  };
  if (!member || !ways[event.key]) return;
  event.preventDefault();
  const far = ({ key }) => Math.abs(places.get(key).x - x);
  const [next] = ways[event.key]().sort((a, b) => far(a) - far(b));
  if (next) event.currentTarget.querySelector('[data-member="' + next.key + '"]').focus();
}

// The tree of the favourite that was chosen last, or how one comes to be.
function showFamily(favourite) {
  const tree = familyTree(favourite);
  find(".explore-family-title").textContent = tree.length
    ? "Its family, oldest on top. Choose a relative; arrow keys go to parents, children and siblings."
    : "No family yet: choose a second picture, cross the two, and like a child.";
  refill(find(".explore-family"), tree);
  // A wide family scrolls sideways in its box; the page stays where it is.
  const [box, current] = [find(".explore-family"), find(".explore-family [aria-current]")];
  if (current) box.scrollLeft = current.offsetLeft + (FACE - box.clientWidth) / 2;
}
