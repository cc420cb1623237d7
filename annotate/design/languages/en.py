"""English."""

from annotate.design.language import Language

LANGUAGE = Language(
    code="en",
    name="English",
    scale_words=("Bad", "Poor", "Fair", "Good", "Excellent"),
    impairment_words=(
        "Very annoying",
        "Annoying",
        "Slightly annoying",
        "Perceptible, but not annoying",
        "Imperceptible",
    ),
    scale_titles={"overall": "Overall", "details": "Details", "exposure": "Exposure"},
    instructions=(
        "You will see photos of faces, one after the other, and say how good the picture is: how sharp, clean "
        "and well lit, not how attractive the person. Your first impression counts."
    ),
    method_instructions={
        "dcr": (
            "You will see a photo of a face, the reference, and the same photo again, which may be impaired. Say "
            "how visible the impairment is and how much it disturbs you, not how attractive the person. Your "
            "first impression counts."
        ),
        "pairs": (
            "You will see two photos of faces at a time, A and B, and say which picture is better: sharper, "
            "cleaner and better lit, not in which the person is more attractive. Your first impression counts."
        ),
    },
    consent=(
        "We store your answers with the time you took and the size of the picture on your screen, under a "
        "pseudonym, and publish them only in this form. Taking part is voluntary: you can stop at any time, and"
        " have everything about you deleted through your personal link."
    ),
    eligibility="I am at least 18 years old and see well, with my glasses or lenses if I need them.",
    data_protection=(
        "Whoever invited you to this study is responsible for it; you reach them the way you were invited. They "
        "store your answers with the time and duration of each, the size of the picture on your screen, what the "
        "check of your screen measured, what you say about yourself if you are asked, and, if a panel sent you, its "
        "identifier of you. They need it to find out how good the pictures look, and publish answers under a "
        "pseudonym only. Nobody follows you: there are no cookies for advertising, and your browser keeps your "
        "personal link only, so that you can go on.\n\nYou can have everything about you deleted on this page at any "
        "time, and ask whoever invited you for a copy of all that is stored about you. Backups hold what was deleted "
        "until they are replaced. You may complain to the data protection authority where you live."
    ),
    trap_request="Attention check.\nPlease answer:",
    trap_comparison="Attention check.\nLeft better: {left}\nRight better: {right}",
    ready_questions={
        "age_group": ("How old are you?", ("18 to 29", "30 to 44", "45 to 59", "60 or older")),
        "gender": ("What is your gender?", ("woman", "man", "another")),
        "viewing_distance": (
            "How far are your eyes from the screen?",
            ("less than 30 cm", "30 to 50 cm", "50 to 80 cm", "more than 80 cm"),
        ),
        "device": ("What are you looking at?", ("phone", "tablet", "laptop", "separate monitor", "television")),
    },
    wording={
        "language": "Language",
        "demo": "Demo",
        "demo_hint": "This is a demonstration with one portrait. Its ratings are stored like any others, but mean "
        "nothing.",
        "preview": "Test run",
        "preview_hint": "This is how participants see the study. Nothing that you answer here is stored.",
        "preview_gone": "This test run is over. Start another one in the Studies tab, under Set-up.",
        "loading": "One moment…",
        "step_consent": "Consent",
        "step_screen": "Screen",
        "step_training": "Training",
        "step_rating": "Rating",
        "step_end": "Thanks",
        "consent_title": "How good are these pictures?",
        "consent_title_dcr": "How visible is the damage?",
        "consent_title_pairs": "Which picture is better?",
        "consent_heading": "What happens with your answers",
        "storage_until": "What a panel knows you by, and your completion code, are deleted on {date}. Your answers "
        "stay, under the pseudonym.",
        "storage_unlimited": "Your answers stay, under the pseudonym, until you have them deleted or the study is "
        "deleted.",
        "data_protection_title": "Data protection",
        "consent_button": "I agree, let us begin",
        "consent_box": "I have read this and agree to take part.",
        "questions_title": "About you",
        "questions_hint": "You need not answer; it is stored with your ratings, under the same pseudonym.",
        "no_answer": "No answer",
        "screen_title": "Your screen",
        "screen_hint": "Pictures are shown at their own size, never scaled. Please put the zoom of your browser to "
        "100 %, "
        "dim the light in the room and turn the screen to its usual brightness.",
        "screen_fits": "The pictures fit on your screen.",
        "screen_small": "The pictures need {needed} pixels, your window has {there}. Enlarge the window, turn the "
        "phone, "
        "or open this link on a larger screen.",
        "screen_never": "This screen is too small for these pictures: they need {needed} pixels, it has {there}. "
        "Please "
        "open this link on a larger screen, such as a computer's.",
        "screen_required": "This study needs a larger screen: {needed} pixels on its shorter side, yours has {there}. "
        "Please open this link on a tablet or a computer.",
        "screen_zoom": "Your pixel ratio is {ratio}; at a zoom of 100 % it is a whole number on most screens.",
        "screen_enlarged": "The page is zoomed in; put it back to its normal size.",
        "screen_dark": "How many dark squares can you tell from the black around them?",
        "screen_light": "How many light squares can you tell from the white around them?",
        "sight_title": "Your eyes",
        "sight_rings": "Sit as you will while you rate, with your glasses if you wear any. Where is each ring open?",
        "sight_plates": "Which digit do you see in the dots?",
        "sight_ring": "Ring {number}",
        "sight_plate": "Dots {number}",
        "sight_unclear": "I cannot tell",
        "screen_button": "Continue",
        "choose": "Choose…",
        "question": "How good is the picture quality?",
        "question_dcr": "Compared with the reference, how visible is the impairment of the picture?",
        "question_pairs": "Which picture has the better quality?",
        "question_pairs_reference": "Compared with the reference, which picture has the better quality?",
        "reference_hint": "You will see the reference, too: the same photo without damage.",
        "picture": "The picture to rate",
        "picture_a": "Picture A",
        "picture_b": "Picture B",
        "reference": "Reference",
        "left_better": "A is better",
        "right_better": "B is better",
        "no_difference": "No difference",
        "space_bar": "Space",
        "flip": "Flip",
        "flip_first": "Look at each picture first: press Space, or tap the picture.",
        "reasons": "Why? (optional)",
        "reason_blur": "Blur",
        "reason_noise": "Noise",
        "reason_light": "Light",
        "reason_colour": "Colour",
        "reason_compression": "Compression",
        "reason_artefacts": "Artefacts",
        "reason_face": "Face",
        "training": "Training {number} of {total}",
        "progress": "{done} of {total}",
        "minutes_left": "about {minutes} min left",
        "unusable": "Unusable",
        "unusable_hint": "No face, or nothing to see",
        "undo": "Undo",
        "all_graded": "All graded; Enter goes on.",
        "give_grade": "Give this grade",
        "move_slider": "Move the slider first, by mouse, touch or arrow keys.",
        "saving": "Saving {grade}…",
        "saved": "Saved: {grade}",
        "undone": "Taken back; rate it again.",
        "undone_pairs": "Taken back; compare it again.",
        "feedback_exact": "You said {given}. That is what was expected.",
        "feedback_near": "You said {given}. That is close to what was expected: {expected}.",
        "feedback_far": "You said {given}; most people would say {expected}.",
        "feedback_said": "You said {given}.",
        "feedback_none": "You said {given}. This one is for practice: every answer is right.",
        "feedback_exact_pairs": "Your answer: {given}. That is what was expected.",
        "feedback_far_pairs": "Your answer: {given}. Expected was: {expected}.",
        "feedback_said_pairs": "Your answer: {given}.",
        "feedback_none_pairs": "Your answer: {given}. This pair is for practice: every answer is right.",
        "next": "Next picture",
        "next_pairs": "Next pair",
        "too_small": "The picture does not fit any more. Enlarge the window or put the zoom to 100 %.",
        "break_title": "Time for a break",
        "break_hint": "Look into the distance for a while. {done} of {total} are done.",
        "break_wait": "Go on in {seconds} s",
        "go_on": "Go on",
        "waiting_title": "Please wait a moment",
        "waiting_hint": "Others are rating the last pictures, or the study is paused. This page goes on by itself.",
        "finish_title": "All pictures are rated",
        "finish_title_pairs": "All pairs are compared",
        "finish_hint": "You can still take back your last answer. After finishing nothing can be changed.",
        "finish": "Finish",
        "end_title": "Thank you",
        "end_hint": "Pictures rated: {done}.",
        "end_hint_pairs": "Pairs compared: {done}.",
        "end_code": "Your completion code:",
        "copy": "Copy",
        "copied": "Copied",
        "to_panel": "Back to Prolific",
        "returning": "Back to Prolific in {seconds} s",
        "stay": "Stay here",
        "another": "Rate more pictures",
        "another_pairs": "Compare more pairs",
        "again": "Try it again",
        "close": "Close",
        "over_title": "This study is over",
        "over_hint": "Nobody can begin any more. Thank you for your interest.",
        "full_title": "Enough people take part",
        "full_hint": "This study has all the people that it needs. Thank you for your interest.",
        "closed_title": "This study is closed",
        "closed_hint": "Nothing can be rated at the moment. Thank you for your interest.",
        "leave": "Pause",
        "left_title": "You have paused",
        "left_hint": "Everything you rated is saved. You can go on now, or later with the same link.",
        "withdraw": "Delete everything about me",
        "withdraw_sure": "Delete all your answers for good?",
        "withdrawn_title": "Everything about you is deleted",
        "withdrawn_hint": "Nothing is left of your answers, and your personal link does not open anything any more.",
        "begin_anew": "Take part again, as somebody new",
        "offline": "No connection. Your answer is kept here and sent as soon as possible; please leave this page open.",
        "offline_idle": "No connection. This page goes on by itself as soon as possible.",
        "busy": "Many are rating at this moment. Nothing is lost; this page goes on by itself.",
        "resent": "Connected again; everything is saved.",
        "moved_on": "That picture was answered elsewhere; here is the next one.",
        "moved_on_pairs": "That pair was answered elsewhere; here is the next one.",
        "invalid_title": "This link cannot be opened",
        "invalid_hint": "It is incomplete, or not known here. Open it exactly as it was sent to you, or ask for a "
        "new one.",
        "outside_panel": "It was opened outside Prolific, which puts your ID into it. Open it there.",
        "unavailable_hint": "The server cannot reach its ratings. This page tries again by itself.",
    },
)
