"""The story as the fault tests play it: from the form to the renewal, and the count of its effects."""

from local_stack.demo.story import Story


def play(story: Story) -> None:
    """All but the killing of everything at once, which has a test of its own."""
    story.send_form()
    story.get_sms()
    story.await_call()
    story.prepare_documents()
    story.pay()
    story.get_material()
    story.win()
    story.let_half_a_year_pass()
    story.count_effects()
