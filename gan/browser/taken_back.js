// What was removed or put back can be had again: a bar with one button stays at the lower edge for a while.

const UNDO_MILLISECONDS = 30000;
let undoing = null;
let undoTimer = 0;

// `act` brings back what `sentence` says has gone, and gives the element that then takes the focus. Where what had
// the focus has gone, too, the button is the next thing at hand.
function offerUndo(sentence, act, atHand = false) {
  undoing = act;
  find(".explore-taken-back span").textContent = sentence;
  find(".explore-taken-back").hidden = false;
  clearTimeout(undoTimer);
  undoTimer = setTimeout(hideUnused, UNDO_MILLISECONDS);
  if (atHand) find(".explore-take-back").focus({ preventScroll: true });
}

// Nothing goes away under the hand that is on it.
function hideUnused() {
  if (document.activeElement === find(".explore-take-back")) undoTimer = setTimeout(hideUnused, UNDO_MILLISECONDS);
  else hideUndo();
}

function hideUndo() {
  undoing = null;
  find(".explore-taken-back").hidden = true;
}

find(".explore-take-back").addEventListener("click", () => {
  const act = undoing;
  const held = document.activeElement === find(".explore-take-back");
  hideUndo();
  const next = act?.();
  if (held) (next || view).focus({ preventScroll: true });
});

// All sliders back to the middle; the seed stays.
function resetSliders() {
  const left = copyOf(state);
  change(() => {
    Object.assign(state, { truncation: state.base ? 1 : OPENING_TRUNCATION, edits: [], raw: {} });
    delete state.between;
    delete state.own;
    delete state.layers;
  });
  if (JSON.stringify(left) !== JSON.stringify(state)) offerUndo("All sliders are back in the middle.", () => {
    openState(left);
    return find(".explore-reset");
  });
}

// A favourite that goes away can come back to its place, with its note and its family.
function removeLiked({ key }, atHand) {
  const [left, picked] = [liked, chosenKeys];
  keepLiked(liked.filter((each) => each.key !== key));
  offerUndo("A favourite was removed.", () => {
    const gone = left.find((each) => each.key === key);
    if (liked.length >= MOST_LIKED || favouriteOf(key)) return null;
    chosenKeys = picked;
    keepLiked([...liked.slice(0, left.indexOf(gone)), gone, ...liked.slice(left.indexOf(gone))]);
    return find('.explore-liked-list [data-key="' + key + '"]');
  }, atHand);
}

function forgetOwn({ name, vector }) {
  const [kept, amount, shelf, { checkpoint }] = [rememberedOwn(), amountOf(state, vector), ownShelf(), state];
  memorise(shelf, kept.filter((each) => each.vector !== vector));
  if (amount) change(() => setOwn(state, { vector }, 0));
  rebuildSliders();
  offerUndo("The slider “" + name + "” was deleted.", () => {
    memorise(shelf, kept);
    if (amount && state.checkpoint === checkpoint) change(() => setOwn(state, { name, vector }, amount));
    rebuildSliders();
    return ownSliderOf(vector)?.range;
  }, true);
}
