"""Makes a function an endpoint of the app's API: by its own name, documented by its docstring.

Gradio's clients call it by that name, and where the server speaks MCP it is a tool for agents.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial, wraps
from typing import Any, get_args, get_origin, get_type_hints

import gradio as gr
from gradio.components.api_component import Api
from gradio_client.utils import python_type_to_json_schema

# Every call has its place in a queue of this name, and one at a time has its turn.
QUICK = "api"

Make = Callable[[], Any]


def endpoint(
    function: Callable[..., Any],
    mistakes: tuple[type[Exception], ...],
    *,
    files: Mapping[str, Make] | None = None,
    outputs: Sequence[Make] | None = None,
    queue: str = QUICK,
    at_once: int = 1,
) -> None:
    """Offer `function` as `/<its name>`; call it inside `gr.Blocks`.

    Args:
        function: fully annotated; its docstring says what each argument is. Whoever calls may send anything.
        mistakes: exceptions whose sentence is for the caller; anything else is an error of ours.
        files: what makes the component of each argument that is a file; the others are JSON values.
        outputs: what makes the components of what it returns, where some are files; else JSON values.
        queue, at_once: calls of the same queue wait for each other, `at_once` of them run.
    """
    hints = get_type_hints(function)
    with gr.Row(visible=False):
        inputs = [
            _field(parameter, hints[name], files or {})
            for name, parameter in inspect.signature(function).parameters.items()
            if hints[name] not in (gr.Request, gr.Progress)
        ]
        makers = outputs or [partial(value, hint) for hint in _returned(hints["return"])]
        shown = [make() for make in makers]
        gr.Button(function.__name__).click(
            in_a_sentence(function, mistakes),
            inputs,
            shown,
            api_name=function.__name__,
            concurrency_id=queue,
            concurrency_limit=at_once,
            show_progress="hidden",
        )


def _field(parameter: inspect.Parameter, hint: Any, files: Mapping[str, Make]) -> Any:
    if parameter.name in files:
        return files[parameter.name]()
    default = None if parameter.default is inspect.Parameter.empty else parameter.default
    return Api(default, python_type_to_json_schema(hint), parameter.name)


def value(hint: Any, name: str = "result") -> Api:
    """A place for a JSON value of this type."""
    return Api(None, python_type_to_json_schema(hint), name)


def _returned(hint: Any) -> Sequence[Any]:
    return get_args(hint) if get_origin(hint) is tuple else [hint]


def in_a_sentence(function: Callable[..., Any], mistakes: tuple[type[Exception], ...]) -> Callable[..., Any]:
    """The function, with a caller's mistakes as Gradio's own error, which shows the sentence alone."""

    def told(error: Exception) -> gr.Error:
        return gr.Error(str(error), print_exception=False)

    if inspect.isgeneratorfunction(function):

        @wraps(function)
        def stepwise(*values: Any) -> Iterator[Any]:
            try:
                yield from function(*values)
            except mistakes as error:
                raise told(error) from None

        return stepwise

    @wraps(function)
    def at_once(*values: Any) -> Any:
        try:
            return function(*values)
        except mistakes as error:
            raise told(error) from None

    return at_once
